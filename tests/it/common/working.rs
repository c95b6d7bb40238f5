//! What somebody does in the folder `work` of their home, at times that do not tell when a test ran.

use std::fs;
use std::path::Path;
use std::time::{Duration, SystemTime};

/// Writes a file, so many seconds after one moment.
pub fn write(file: &Path, content: &str, second: u64) {
    fs::create_dir_all(file.parent().unwrap()).unwrap();
    fs::write(file, content).unwrap();
    set_time(file, second);
}

/// Sets when something was written to that.
pub fn set_time(path: &Path, second: u64) {
    let time = SystemTime::UNIX_EPOCH + Duration::from_secs(1_700_000_000 + second);
    fs::File::open(path).unwrap().set_modified(time).unwrap();
}

/// Gives the folders of a home that are worked in one time, where a link leads included.
pub fn settle(home: &Path) {
    let work = home.join("work");
    for entry in fs::read_dir(&work).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            set_time(&path, 7);
        }
    }
    set_time(&work, 7);
    set_time(home, 7);
}
