# Copies what is in an image into a folder, faithfully.
image="$1" out="$2" view="$3"

mount -t ext4 -o loop,noatime,noinit_itable,nosuid,nodev "$image" "$view"
cp --archive -- "$view/." "$out/"
umount "$view"
