//! One value for each kind of duty, so that nothing has to name the kinds to hold something of each.

use super::DutyKind;
use serde::{
    Deserialize, Deserializer, Serialize, Serializer,
    de::{MapAccess, Visitor},
};
use std::fmt;

/// At most one value for each kind. A kind without one is absent: a network need not have a contract for every kind.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PerKind<T>([Option<T>; DutyKind::ALL.len()]);

impl<T> Default for PerKind<T> {
    fn default() -> Self {
        Self([const { None }; DutyKind::ALL.len()])
    }
}

impl<T> PerKind<T> {
    /// The value of `kind`.
    #[must_use]
    pub fn get(&self, kind: DutyKind) -> Option<&T> {
        self.0.get(usize::from(kind.number()))?.as_ref()
    }

    /// The place of `kind`'s value.
    pub fn get_mut(&mut self, kind: DutyKind) -> Option<&mut T> {
        self.0.get_mut(usize::from(kind.number()))?.as_mut()
    }

    /// Sets the value of `kind`; returns the one before.
    pub fn insert(&mut self, kind: DutyKind, value: T) -> Option<T> {
        self.0.get_mut(usize::from(kind.number()))?.replace(value)
    }

    /// Takes the value of `kind` away.
    pub fn remove(&mut self, kind: DutyKind) -> Option<T> {
        self.0.get_mut(usize::from(kind.number()))?.take()
    }

    /// The kinds that have a value, in order, each with it.
    pub fn iter(&self) -> impl Iterator<Item = (DutyKind, &T)> {
        DutyKind::ALL.into_iter().zip(&self.0).filter_map(|(kind, value)| Some((kind, value.as_ref()?)))
    }

    /// Whether no kind has a value.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.iter().all(Option::is_none)
    }

    /// The kinds that have a value.
    pub fn kinds(&self) -> impl Iterator<Item = DutyKind> {
        self.iter().map(|(kind, _)| kind)
    }

    /// The values, in the order of their kinds.
    pub fn values(&self) -> impl Iterator<Item = &T> {
        self.0.iter().flatten()
    }
}

impl<T> FromIterator<(DutyKind, T)> for PerKind<T> {
    fn from_iter<I: IntoIterator<Item = (DutyKind, T)>>(values: I) -> Self {
        let mut per_kind = Self::default();
        for (kind, value) in values {
            per_kind.insert(kind, value);
        }
        per_kind
    }
}

/// As a map from the kinds' words.
impl<T: Serialize> Serialize for PerKind<T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(self.iter())
    }
}

impl<'de, T: Deserialize<'de>> Deserialize<'de> for PerKind<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Words<T>(std::marker::PhantomData<T>);

        impl<'de, T: Deserialize<'de>> Visitor<'de> for Words<T> {
            type Value = PerKind<T>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a map from kinds of duty")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
                let mut per_kind = PerKind::default();
                while let Some((kind, value)) = map.next_entry::<DutyKind, T>()? {
                    if per_kind.insert(kind, value).is_some() {
                        return Err(serde::de::Error::custom(format!("`{kind}` is there twice")));
                    }
                }
                Ok(per_kind)
            }
        }

        deserializer.deserialize_map(Words(std::marker::PhantomData))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_map_of_words_is_read_strictly() {
        let one: PerKind<u8> = serde_json::from_str(r#"{"reserves":7}"#).unwrap();
        assert_eq!((one.get(DutyKind::Reserves), one.get(DutyKind::Ejection)), (Some(&7), None));
        assert_eq!(serde_json::to_string(&one).unwrap(), r#"{"reserves":7}"#);
        assert!(serde_json::from_str::<PerKind<u8>>(r#"{"tea":1}"#).is_err());
        assert!(serde_json::from_str::<PerKind<u8>>(r#"{"reserves":1,"reserves":1}"#).is_err());
    }
}
