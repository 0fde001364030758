//! A small writer of databases in MaxMind's format (version 2), for tests alone.
//!
//! Records of 24 bits, no pointers in the data, networks that do not overlap.

use std::net::IpAddr;

/// Between the tree and the data.
const SEPARATOR: usize = 16;

/// A value as the format has it.
#[derive(Clone)]
pub(crate) enum Value {
    Text(String),
    Number(Size, u64),
    Map(Vec<(&'static str, Self)>),
    List(Vec<Self>),
}

/// The types of numbers: their mark and how many bytes they have at most.
#[derive(Clone, Copy)]
pub(crate) enum Size {
    U16 = 5,
    U32 = 6,
    U64 = 9,
}

impl Value {
    pub(crate) fn text(text: &str) -> Self {
        Self::Text(text.to_owned())
    }

    fn encode(&self, to: &mut Vec<u8>) {
        match self {
            Self::Text(text) => {
                control(2, text.len(), to);
                to.extend(text.as_bytes());
            }
            Self::Number(size, number) => {
                let bytes = number.to_be_bytes();
                let bytes = &bytes[bytes.iter().take_while(|byte| **byte == 0).count()..];
                control(*size as u8, bytes.len(), to);
                to.extend(bytes);
            }
            Self::Map(fields) => {
                control(7, fields.len(), to);
                for (name, value) in fields {
                    Self::text(name).encode(to);
                    value.encode(to);
                }
            }
            Self::List(values) => {
                control(11, values.len(), to);
                values.iter().for_each(|value| value.encode(to));
            }
        }
    }
}

/// The type and the size of a value. Types beyond seven and sizes beyond 28 have a byte more.
fn control(kind: u8, size: usize, to: &mut Vec<u8>) {
    let short = size.min(29);
    let first = if kind <= 7 { kind << 5 } else { 0 };
    to.push(first | u8::try_from(short).unwrap());
    if kind > 7 {
        to.push(kind - 7);
    }
    if short == 29 {
        to.push(u8::try_from(size - 29).unwrap());
    }
}

/// Where a branch of the tree leads to.
#[derive(Clone, Copy)]
enum Branch {
    Nowhere,
    Node(usize),
    Data(usize),
}

/// A database that is being built.
pub(crate) struct Writer {
    kind: &'static str,
    /// 32 for IPv4 alone, else 128.
    bits: u32,
    nodes: Vec<[Branch; 2]>,
    data: Vec<u8>,
}

impl Writer {
    /// For both versions of IP. IPv4 is under `::/96`.
    pub(crate) fn new(kind: &'static str) -> Self {
        Self { kind, bits: 128, nodes: vec![[Branch::Nowhere; 2]], data: Vec::new() }
    }

    pub(crate) fn of_ipv4(kind: &'static str) -> Self {
        Self { bits: 32, ..Self::new(kind) }
    }

    /// Adds a network, as `address/prefix`.
    pub(crate) fn with(mut self, network: &str, value: &Value) -> Self {
        let (address, prefix) = network.split_once('/').unwrap();
        let mut depth: u32 = prefix.parse().unwrap();
        let address: IpAddr = address.parse().unwrap();
        let bits = match address {
            IpAddr::V4(address) if self.bits == 32 => u128::from(address.to_bits()) << 96,
            IpAddr::V4(address) => {
                depth += 96;
                u128::from(address.to_bits())
            }
            IpAddr::V6(address) => address.to_bits(),
        };
        let leaf = Branch::Data(self.data.len());
        value.encode(&mut self.data);
        let mut node = 0;
        for level in 0..depth {
            let side = usize::from(bits >> (127 - level) & 1 == 1);
            if level + 1 == depth {
                self.nodes[node][side] = leaf;
            } else if let Branch::Node(next) = self.nodes[node][side] {
                node = next;
            } else {
                self.nodes.push([Branch::Nowhere; 2]);
                let next = self.nodes.len() - 1;
                self.nodes[node][side] = Branch::Node(next);
                node = next;
            }
        }
        self
    }

    pub(crate) fn bytes(&self) -> Vec<u8> {
        let count = self.nodes.len();
        let mut bytes = Vec::new();
        for branch in self.nodes.iter().flatten() {
            let record = match branch {
                Branch::Nowhere => count,
                Branch::Node(node) => *node,
                Branch::Data(offset) => count + SEPARATOR + offset,
            };
            bytes.extend(&u32::try_from(record).unwrap().to_be_bytes()[1..]);
        }
        bytes.extend([0; SEPARATOR]);
        bytes.extend(&self.data);
        bytes.extend(b"\xab\xcd\xefMaxMind.com");
        self.metadata(count).encode(&mut bytes);
        bytes
    }

    fn metadata(&self, count: usize) -> Value {
        let version = if self.bits == 32 { 4 } else { 6 };
        Value::Map(vec![
            ("binary_format_major_version", Value::Number(Size::U16, 2)),
            ("binary_format_minor_version", Value::Number(Size::U16, 0)),
            ("build_epoch", Value::Number(Size::U64, 1_767_225_600)),
            ("database_type", Value::text(self.kind)),
            ("description", Value::Map(vec![("en", Value::text("a database of tests"))])),
            ("ip_version", Value::Number(Size::U16, version)),
            ("languages", Value::List(vec![Value::text("en")])),
            ("node_count", Value::Number(Size::U32, count as u64)),
            ("record_size", Value::Number(Size::U16, 24)),
        ])
    }
}
