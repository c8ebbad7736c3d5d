//! The JSON Schema of experiment files (draft 2020-12), printed from the same table that the checker walks.

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

use super::grammar::EXPERIMENT;
use super::shape::{Field, Kind, Object, Quantity, Verb};

/// The JSON Schema of experiment files.
pub fn schema() -> Value {
    schema_of(&EXPERIMENT, "faultwire experiment")
}

/// The JSON Schema of files that are one such object.
pub(crate) fn schema_of(object: &'static Object, title: &str) -> Value {
    let mut printer = Printer::default();
    let root = printer.reference(object);
    let definitions: Map<String, Value> =
        printer.definitions.into_iter().map(|(id, definition)| (id.to_owned(), definition)).collect();
    json!({
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": title,
        "$ref": root["$ref"],
        "$defs": definitions,
    })
}

#[derive(Default)]
struct Printer {
    definitions: BTreeMap<&'static str, Value>,
}

impl Printer {
    /// A reference to an object's definition, which is printed when it is first met.
    fn reference(&mut self, object: &'static Object) -> Value {
        if !self.definitions.contains_key(object.id) {
            // Holds the place, should the object contain itself.
            self.definitions.insert(object.id, Value::Null);
            let definition = self.definition(object);
            self.definitions.insert(object.id, definition);
        }
        json!({ "$ref": format!("#/$defs/{}", object.id) })
    }

    fn definition(&mut self, object: &'static Object) -> Value {
        if object.verbs.is_empty() {
            return self.form(object.doc, object.fields.iter(), None);
        }
        let forms: Vec<Value> = object
            .verbs
            .iter()
            .map(|verb| self.form(verb.doc, object.fields.iter().chain(verb.with), Some(verb)))
            .collect();
        json!({ "description": object.doc, "oneOf": forms })
    }

    fn form(
        &mut self,
        doc: &str,
        fields: impl Iterator<Item = &'static Field>,
        verb: Option<&'static Verb>,
    ) -> Value {
        let mut properties = Map::new();
        let mut required = Vec::new();
        if let Some(verb) = verb {
            let mut property = self.kind(&verb.kind);
            describe(&mut property, verb.doc, "");
            properties.insert(verb.name.to_owned(), property);
            required.push(verb.name);
        }
        for field in fields {
            let mut property = self.kind(&field.kind);
            describe(&mut property, field.doc, field.default);
            properties.insert(field.name.to_owned(), property);
            if field.required {
                required.push(field.name);
            }
        }
        json!({
            "type": "object",
            "description": doc,
            "properties": properties,
            "required": required,
            "additionalProperties": false,
        })
    }

    fn kind(&mut self, kind: &'static Kind) -> Value {
        match kind {
            Kind::Text(_) | Kind::Reference(_) => json!({ "type": "string" }),
            Kind::Name("") => json!({ "type": "string", "minLength": 1 }),
            Kind::Name(forbidden) => json!({ "type": "string", "pattern": name_pattern(forbidden) }),
            Kind::Flag => json!({ "type": "boolean" }),
            Kind::True => json!({ "const": true }),
            Kind::Integer { min, max, .. } => json!({ "type": "integer", "minimum": min, "maximum": max }),
            Kind::Quantity(quantity) => quantity_schema(*quantity),
            Kind::Word(words) => {
                let words: Vec<Value> =
                    words.iter().map(|word| json!({ "const": word.name, "description": word.doc })).collect();
                json!({ "type": "string", "oneOf": words })
            }
            Kind::List { item, min, max } => {
                let mut list = json!({ "type": "array", "items": self.kind(item) });
                if *min > 0 {
                    list["minItems"] = json!(min);
                }
                if *max < usize::MAX {
                    list["maxItems"] = json!(max);
                }
                list
            }
            Kind::Object(object) => self.reference(object),
            Kind::Map { item, forbidden, .. } => {
                let item = self.reference(item);
                let names = json!({ "pattern": name_pattern(forbidden) });
                json!({ "type": "object", "additionalProperties": item, "propertyNames": names })
            }
            Kind::KernelWords { .. } => json!({
                "type": "object",
                "additionalProperties": {
                    "anyOf": [
                        { "type": "integer" },
                        { "type": "string" },
                        { "type": "array", "items": { "type": "integer" } },
                    ],
                },
            }),
            Kind::Settings => json!({ "type": "object" }),
            Kind::Ranges => {
                let end = json!({ "type": ["string", "integer"] });
                let range = json!({
                    "type": "object",
                    "properties": { "min": end, "max": end },
                    "required": ["min", "max"],
                    "additionalProperties": false,
                });
                let list = json!({ "type": "array", "minItems": 1 });
                json!({ "type": "object", "additionalProperties": { "oneOf": [range, list] } })
            }
            Kind::Bounds(inner) => {
                let exact = self.kind(inner);
                let bounds = json!({
                    "type": "object",
                    "properties": { "min": exact, "max": exact },
                    "minProperties": 1,
                    "additionalProperties": false,
                });
                json!({ "anyOf": [exact, bounds] })
            }
            Kind::OneOf(kinds) => {
                let forms: Vec<Value> = kinds.iter().map(|kind| self.kind(kind)).collect();
                json!({ "anyOf": forms })
            }
        }
    }
}

fn quantity_schema(quantity: Quantity) -> Value {
    json!({ "type": "string", "pattern": quantity.pattern(), "examples": [quantity.example()] })
}

fn describe(property: &mut Value, doc: &str, default: &str) {
    let Value::Object(property) = property else { return };
    let text = if default.is_empty() { doc.to_owned() } else { format!("{doc} Default: {default}.") };
    property.insert("description".to_owned(), Value::String(text));
}

/// Names don't begin or end with a blank, and lack some characters.
fn name_pattern(forbidden: &str) -> String {
    let inner = if forbidden.is_empty() { ".".to_owned() } else { format!("[^{forbidden}]") };
    format!("^[^\\s{forbidden}]({inner}*[^\\s{forbidden}])?$")
}
