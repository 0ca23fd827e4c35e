//! `hash_tree_root` of one value that is held in memory, of any type of the table, decoded strictly: a value that has two
//! encodings would have two roots. The long lists of a state do not come here; they are hashed as they arrive.

use super::{
    error::StateError,
    hash::{NODE, Node},
    layout::Type,
    merkle::{Scratch, chunk, depth_for, mix_in_length},
    preset::Preset,
};

/// The root of the value of type `ty` that `bytes` encode.
///
/// # Errors
/// [`StateError::Encoding`] if they encode none.
pub(super) fn root(ty: &Type, bytes: &[u8], preset: &Preset, scratch: &mut Scratch) -> Result<Node, StateError> {
    match ty {
        Type::Uint(size) if bytes.len() == *size => Ok(chunk(bytes)),
        Type::Uint(_) => Err(StateError::Encoding("a number of another size")),
        Type::Bits(bits) => {
            let spare = bits.div_ceil(8) * 8 - bits;
            let clean = bytes.last().is_none_or(|last| last.leading_zeros() as usize >= spare);
            if bytes.len() != bits.div_ceil(8) || !clean {
                return Err(StateError::Encoding("bits beyond a bit vector's end"));
            }
            Ok(packed(bytes, *bits as u64, 256, scratch))
        }
        Type::BitList(limit) => bit_list(bytes, *limit, scratch),
        Type::Vector(element, count) => {
            let count = count.get(preset);
            if ty.size(preset) != Some(bytes.len()) {
                return Err(StateError::Encoding("a vector of another length"));
            }
            if let Type::Uint(size) = element {
                return Ok(packed(bytes, count, NODE as u64 / *size as u64, scratch));
            }
            let roots = each_root(element, bytes, preset, scratch)?;
            Ok(over(&roots, depth_for(count), scratch))
        }
        Type::List(element, limit) => {
            let limit = limit.get(preset);
            let (root, count) = if let Type::Uint(size) = element {
                if !bytes.len().is_multiple_of(*size) {
                    return Err(StateError::Encoding("a list that ends within an element"));
                }
                let count = (bytes.len() / size) as u64;
                (packed(bytes, limit, NODE as u64 / *size as u64, scratch), count)
            } else {
                let roots = each_root(element, bytes, preset, scratch)?;
                (over(&roots, depth_for(limit), scratch), roots.len() as u64)
            };
            if count > limit {
                return Err(StateError::Encoding("a list longer than its limit"));
            }
            Ok(mix_in_length(&root, count))
        }
        Type::Container(fields) => {
            let parts = split(fields, bytes, preset)?;
            let roots: Result<Vec<Node>, _> =
                fields.iter().zip(parts).map(|(field, part)| root(field, part, preset, scratch)).collect();
            Ok(over(&roots?, depth_for(fields.len() as u64), scratch))
        }
    }
}

/// Root of nodes that are leaves.
pub(super) fn over(leaves: &[Node], depth: usize, scratch: &mut Scratch) -> Node {
    scratch.nodes.clear();
    scratch.nodes.extend(leaves.iter().flatten());
    scratch.root(0, depth)
}

/// The root of basic values packed into chunks, of which one holds `per_chunk` and all together at most `limit`.
fn packed(bytes: &[u8], limit: u64, per_chunk: u64, scratch: &mut Scratch) -> Node {
    scratch.nodes.clear();
    scratch.nodes.extend_from_slice(bytes);
    scratch.nodes.resize(bytes.len().div_ceil(NODE) * NODE, 0);
    scratch.root(0, depth_for(limit.div_ceil(per_chunk.max(1))))
}

fn bit_list(bytes: &[u8], limit: u64, scratch: &mut Scratch) -> Result<Node, StateError> {
    let Some((last, whole)) = bytes.split_last().filter(|(last, _)| **last != 0) else {
        return Err(StateError::Encoding("a bit list without its end"));
    };
    // The highest set bit is the end and no bit of the list.
    let end = 7 - last.leading_zeros() as usize;
    let length = (whole.len() * 8 + end) as u64;
    if length > limit {
        return Err(StateError::Encoding("a bit list longer than its limit"));
    }
    let mut bits = whole.to_vec();
    if end > 0 {
        bits.push(last & !(1 << end));
    }
    let root = packed(&bits, limit, 256, scratch);
    Ok(mix_in_length(&root, length))
}

fn each_root(element: &Type, bytes: &[u8], preset: &Preset, scratch: &mut Scratch) -> Result<Vec<Node>, StateError> {
    if let Some(size) = element.size(preset) {
        if size == 0 || !bytes.len().is_multiple_of(size) {
            return Err(StateError::Encoding("a list that ends within an element"));
        }
        return bytes.chunks_exact(size).map(|bytes| root(element, bytes, preset, scratch)).collect();
    }
    if bytes.is_empty() {
        return Ok(Vec::new());
    }
    let first = offset(bytes, 0)?;
    if first == 0 || first % 4 != 0 {
        return Err(StateError::Encoding("a first offset that is not the list of offsets' end"));
    }
    let starts: Result<Vec<usize>, _> = (0..first / 4).map(|place| offset(bytes, place * 4)).collect();
    between(&starts?, bytes)?.into_iter().map(|bytes| root(element, bytes, preset, scratch)).collect()
}

/// The fields' bytes.
fn split<'a>(fields: &[Type], bytes: &'a [u8], preset: &Preset) -> Result<Vec<&'a [u8]>, StateError> {
    let fixed: usize = fields.iter().map(|field| field.size(preset).unwrap_or(4)).sum();
    let mut position = 0;
    let mut starts = Vec::new();
    let mut parts = Vec::with_capacity(fields.len());
    for field in fields {
        let size = field.size(preset);
        let next = position + size.unwrap_or(4);
        let part = bytes.get(position..next).ok_or(StateError::Encoding("a container that breaks off"))?;
        if size.is_none() {
            starts.push(offset(bytes, position)?);
        }
        parts.push(size.map(|_| part));
        position = next;
    }
    if starts.first().copied().unwrap_or(bytes.len()) != fixed {
        return Err(StateError::Encoding("bytes between a container's fields, or behind them"));
    }
    let mut variable = between(&starts, bytes)?.into_iter();
    Ok(parts.into_iter().map(|part| part.or_else(|| variable.next()).unwrap_or_default()).collect())
}

/// The bytes from each start to the next, and from the last to the end.
fn between<'a>(starts: &[usize], bytes: &'a [u8]) -> Result<Vec<&'a [u8]>, StateError> {
    let ends = starts.iter().skip(1).copied().chain([bytes.len()]);
    starts
        .iter()
        .zip(ends)
        .map(|(start, end)| bytes.get(*start..end).ok_or(StateError::Encoding("offsets that do not increase")))
        .collect()
}

fn offset(bytes: &[u8], place: usize) -> Result<usize, StateError> {
    bytes
        .get(place..)
        .and_then(|rest| rest.first_chunk())
        .and_then(|bytes| usize::try_from(u32::from_le_bytes(*bytes)).ok())
        .ok_or(StateError::Encoding("an offset that breaks off"))
}
