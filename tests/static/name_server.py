"""A name server for tests: `name_server.py ADDRESS`. Every name that ends in `.test` is 127.0.0.1, and there are no others."""

import socket
import struct
import sys

A_RECORD = 1


def answer(query):
    end = query.index(b"\0", 12)
    question = query[12 : end + 5]
    (kind,) = struct.unpack("!H", query[end + 1 : end + 3])
    is_known = query[:end].endswith(b"\x04test")
    addresses = [socket.inet_aton("127.0.0.1")] if is_known and kind == A_RECORD else []
    flags = 0x8180 if is_known else 0x8183
    header = query[:2] + struct.pack("!HHHHH", flags, 1, len(addresses), 0, 0)
    # The name is the question's, at offset 12; it holds for a second.
    records = [struct.pack("!HHHIH", 0xC00C, A_RECORD, 1, 1, 4) + address for address in addresses]
    return header + question + b"".join(records)


def main():
    server = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    server.bind((sys.argv[1], 53))
    while True:
        query, client = server.recvfrom(512)
        server.sendto(answer(query), client)


if __name__ == "__main__":
    main()
