//! A JSON value as it came, kept as text and taken apart only when somebody asks for a member.

use std::{
    fmt,
    ops::Deref,
    sync::{Arc, OnceLock},
};

use serde::{
    Deserialize, Deserializer, Serialize, Serializer,
    de::{MapAccess, Visitor, value::MapAccessDeserializer},
};
use serde_json::{
    Value,
    value::{RawValue, to_raw_value},
};

/// A whole record as the outside told it. Copies share it; a stored one is parsed when it is first looked into, which
/// for most of what is read back never happens.
#[derive(Clone)]
pub struct Raw(Arc<Both>);

/// One of the two is there from the beginning, the other follows from it.
struct Both {
    text: OnceLock<Box<RawValue>>,
    value: OnceLock<Value>,
}

/// A deserializer of serde_json gives a value's own text to whoever asks by this name; any other gives the value.
const TEXT: &str = "$serde_json::private::RawValue";

impl Raw {
    /// Nothing.
    pub fn null() -> Self {
        Value::Null.into()
    }

    /// Whether it is JSON's null.
    pub fn is_null(&self) -> bool {
        match self.0.text.get() {
            Some(text) => text.get() == "null",
            None => self.value().is_null(),
        }
    }

    /// The value.
    pub fn value(&self) -> &Value {
        // It was JSON when it was read, so it is now.
        self.0.value.get_or_init(|| {
            self.0.text.get().and_then(|text| serde_json::from_str(text.get()).ok()).unwrap_or_default()
        })
    }

    fn text(&self) -> Result<&RawValue, serde_json::Error> {
        if let Some(text) = self.0.text.get() {
            return Ok(text);
        }
        let text = to_raw_value(self.value())?;
        Ok(self.0.text.get_or_init(|| text))
    }
}

impl From<Value> for Raw {
    fn from(value: Value) -> Self {
        Self(Arc::new(Both { text: OnceLock::new(), value: OnceLock::from(value) }))
    }
}

impl From<Box<RawValue>> for Raw {
    fn from(text: Box<RawValue>) -> Self {
        Self(Arc::new(Both { text: OnceLock::from(text), value: OnceLock::new() }))
    }
}

impl Default for Raw {
    fn default() -> Self {
        Self::null()
    }
}

impl Deref for Raw {
    type Target = Value;

    fn deref(&self) -> &Value {
        self.value()
    }
}

impl fmt::Debug for Raw {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.value().fmt(f)
    }
}

impl PartialEq for Raw {
    fn eq(&self, other: &Self) -> bool {
        // What we wrote down is most often what is told again; it is cheaper to write than to parse. Two texts may tell
        // the same in another order of members.
        let same_text = || matches!((self.text(), other.text()), (Ok(one), Ok(two)) if one.get() == two.get());
        Arc::ptr_eq(&self.0, &other.0) || same_text() || self.value() == other.value()
    }
}

impl Eq for Raw {}

impl PartialEq<Value> for Raw {
    fn eq(&self, other: &Value) -> bool {
        self.value() == other
    }
}

impl Serialize for Raw {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.text().map_err(serde::ser::Error::custom)?.serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for Raw {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_newtype_struct(TEXT, Whole)
    }
}

struct Whole;

impl<'de> Visitor<'de> for Whole {
    type Value = Raw;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("any JSON value")
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Raw, A::Error> {
        Box::<RawValue>::deserialize(MapAccessDeserializer::new(map)).map(Into::into)
    }

    fn visit_newtype_struct<D: Deserializer<'de>>(self, deserializer: D) -> Result<Raw, D::Error> {
        Value::deserialize(deserializer).map(Into::into)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[derive(Debug, PartialEq, Serialize, Deserialize)]
    struct Record {
        name: String,
        raw: Raw,
    }

    #[derive(Debug, PartialEq, Serialize, Deserialize)]
    #[serde(tag = "kind")]
    enum Tagged {
        One { record: Record },
    }

    fn record() -> Record {
        Record { name: "a".into(), raw: json!({"z": [1, 2.5, null], "a": "\u{1F600}\n\"", "n": {}}).into() }
    }

    #[test]
    fn a_text_comes_back_as_it_was_and_is_parsed_when_asked() {
        let text = r#"{"name":"a","raw":{ "z" : [1,2.50,null], "a":"\ud83d\ude00" }}"#;
        let read: Record = serde_json::from_str(text).unwrap();
        assert!(read.raw.0.value.get().is_none(), "nobody asked yet");
        assert_eq!(serde_json::to_string(&read).unwrap(), text);
        assert_eq!(read.raw.get("a").and_then(Value::as_str), Some("\u{1F600}"));
    }

    #[test]
    fn it_goes_through_texts_values_and_tagged_facts() {
        let text = serde_json::to_string(&record()).unwrap();
        assert_eq!(serde_json::from_str::<Record>(&text).unwrap(), record());
        let value = serde_json::to_value(record()).unwrap();
        assert_eq!(value["raw"]["z"], json!([1, 2.5, null]));
        assert_eq!(serde_json::from_value::<Record>(value).unwrap(), record());
        let tagged = serde_json::to_string(&Tagged::One { record: record() }).unwrap();
        assert_eq!(serde_json::from_str::<Tagged>(&tagged).unwrap(), Tagged::One { record: record() });
        let tagged = serde_json::to_value(Tagged::One { record: record() }).unwrap();
        assert_eq!(serde_json::from_value::<Tagged>(tagged).unwrap(), Tagged::One { record: record() });
        let reader: Record = serde_json::from_reader(text.as_bytes()).unwrap();
        assert_eq!(reader, record());
    }

    #[test]
    fn the_same_members_in_another_order_are_the_same() {
        let one: Raw = serde_json::from_str(r#"{"a":1,"b":2}"#).unwrap();
        let two: Raw = serde_json::from_str(r#"{"b":2,"a":1}"#).unwrap();
        assert_eq!(one, two);
        assert_ne!(one, Raw::from(json!({"a": 1})));
        assert_eq!(Raw::null(), serde_json::from_str::<Raw>("null").unwrap());
        assert!(serde_json::from_str::<Raw>(" null ").unwrap().is_null());
    }
}
