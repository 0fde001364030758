//! The actions are a closed set: nobody adds one that stands for what they like.
use packhouse_core::access::Act;
use packhouse_core::model::grants::Action;

#[derive(Debug)]
struct Mine;

impl Act for Mine {
    const ACTION: Action = Action::Read;
}

fn main() {}
