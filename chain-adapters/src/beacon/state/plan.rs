//! Where a state's fields lie in its bytes: first all of fixed size and the offsets of the others, then the others.

use super::{
    error::StateError,
    layout::{Field, Fork, Type},
    list::Grouped,
    preset::Preset,
};

/// Most elements of a list that has one for each validator. The registry's limit is 2^40; this is eight times what mainnet has.
pub(super) const MOST_VALIDATORS: u64 = 1 << 24;
/// Most bytes of a field that has to be held as a whole: attestations of two phase 0 epochs are the largest.
pub(super) const MOST_WHOLE: usize = 8 << 20;

/// A field and how it is read.
#[derive(Clone, Copy, Debug)]
pub(super) struct Planned {
    pub(super) name: &'static str,
    pub(super) ty: Type,
    /// Its bytes if all states have as many.
    pub(super) fixed: Option<usize>,
    /// If it is hashed group by group, as it arrives.
    pub(super) grouped: Option<Grouped>,
}

/// A stretch of bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Part {
    /// The field with this number.
    Field(usize),
    /// Its offset.
    Offset(usize),
}

/// The fields and stretches of a fork's state.
#[derive(Debug)]
pub(super) struct Plan {
    pub(super) fields: Vec<Planned>,
    pub(super) parts: Vec<Part>,
    /// Bytes before the first field of variable size.
    fixed_bytes: u64,
}

impl Plan {
    pub(super) fn new(fork: &Fork, preset: &Preset) -> Self {
        let fields: Vec<Planned> = fork.fields().map(|field| Planned::new(field, preset)).collect();
        let fixed = fields.iter().enumerate().map(|(number, field)| match field.fixed {
            Some(_) => Part::Field(number),
            None => Part::Offset(number),
        });
        let variable = fields.iter().enumerate().filter(|(_, f)| f.fixed.is_none()).map(|(n, _)| Part::Field(n));
        let parts = fixed.chain(variable).collect();
        let fixed_bytes = fields.iter().map(|field| field.fixed.unwrap_or(4) as u64).sum();
        Self { fields, parts, fixed_bytes }
    }

    /// The sizes of the variable fields, in order, from their offsets; the last reaches to the state's end, wherever that is.
    ///
    /// # Errors
    /// [`StateError::Field`] if the offsets do not fit together, or one of the fields can't have this size.
    pub(super) fn sizes(&self, offsets: &[u64]) -> Result<Vec<Option<u64>>, StateError> {
        let variable: Vec<&Planned> = self.fields.iter().filter(|field| field.fixed.is_none()).collect();
        let first = variable.first().map_or("", |field| field.name);
        if offsets.first() != Some(&self.fixed_bytes) {
            return Err(StateError::Field { field: first, what: "its offset is not the fixed part's end" });
        }
        let ends = offsets.iter().skip(1).copied().map(Some).chain([None]);
        variable
            .iter()
            .zip(offsets.iter().zip(ends))
            .map(|(field, (start, end))| {
                let Some(end) = end else { return Ok(None) };
                let size = end
                    .checked_sub(*start)
                    .ok_or(StateError::Field { field: field.name, what: "it ends before it begins" })?;
                field.check_size(size, true)?;
                Ok(Some(size))
            })
            .collect()
    }
}

impl Planned {
    fn new(field: Field, preset: &Preset) -> Self {
        Self { name: field.name, ty: field.ty, fixed: field.ty.size(preset), grouped: Grouped::new(&field.ty, preset) }
    }

    /// Whether a field of variable size may have `size` bytes, all of them or so far.
    ///
    /// # Errors
    /// [`StateError::Field`].
    pub(super) fn check_size(&self, size: u64, complete: bool) -> Result<(), StateError> {
        let wrong = |what| Err(StateError::Field { field: self.name, what });
        let Some(grouped) = self.grouped else {
            return if size > MOST_WHOLE as u64 { wrong("too many bytes") } else { Ok(()) };
        };
        let element = grouped.element as u64;
        if complete && !size.is_multiple_of(element) {
            return wrong("it ends within an element");
        }
        if size / element > grouped.limit {
            return wrong("more elements than its limit");
        }
        if grouped.limit == super::preset::REGISTRY_LIMIT && size / element > MOST_VALIDATORS {
            return wrong("more validators than there can be");
        }
        Ok(())
    }
}
