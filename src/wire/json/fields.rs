//! An object's fields by name: each is taken once, and none may be left over.

use super::{Json, JsonError};
use std::borrow::Cow;

/// The fields of an object that haven't been taken yet.
#[derive(Debug)]
pub struct Fields<'a> {
    artefact: &'static str,
    left: Vec<(Cow<'a, str>, Json<'a>)>,
}

impl<'a> Fields<'a> {
    /// The fields of `value`, which errors call `artefact`.
    ///
    /// # Errors
    /// [`JsonError::Syntax`] when it is no object.
    pub fn of(artefact: &'static str, value: Json<'a>) -> Result<Self, JsonError> {
        match value {
            Json::Object(left) => Ok(Self { artefact, left }),
            _ => Err(JsonError::Syntax { artefact, at: 0 }),
        }
    }

    /// An error about the value of `field`.
    #[must_use]
    pub const fn refuse(&self, field: &'static str) -> JsonError {
        JsonError::Value { artefact: self.artefact, field }
    }

    /// The value of `field`, when it is there.
    pub fn optional(&mut self, field: &'static str) -> Option<Json<'a>> {
        let place = self.left.iter().position(|(name, _)| name == field)?;
        Some(self.left.remove(place).1)
    }

    /// The value of `field`.
    ///
    /// # Errors
    /// [`JsonError::Missing`].
    pub fn value(&mut self, field: &'static str) -> Result<Json<'a>, JsonError> {
        self.optional(field).ok_or(JsonError::Missing { artefact: self.artefact, field })
    }

    /// The string in `field`.
    ///
    /// # Errors
    /// [`JsonError::Missing`]; [`JsonError::Value`] for another type.
    pub fn text(&mut self, field: &'static str) -> Result<Cow<'a, str>, JsonError> {
        match self.value(field)? {
            Json::Text(text) => Ok(text),
            _ => Err(self.refuse(field)),
        }
    }

    /// The string in `field`, when it is there.
    ///
    /// # Errors
    /// [`JsonError::Value`] for another type.
    pub fn optional_text(&mut self, field: &'static str) -> Result<Option<Cow<'a, str>>, JsonError> {
        match self.optional(field) {
            None => Ok(None),
            Some(Json::Text(text)) => Ok(Some(text)),
            Some(_) => Err(self.refuse(field)),
        }
    }

    /// What `parse` makes of the string in `field`.
    ///
    /// # Errors
    /// [`JsonError::Missing`]; [`JsonError::Value`] for another type or when `parse` gives nothing.
    pub fn parsed<T>(
        &mut self,
        field: &'static str,
        parse: impl FnOnce(&str) -> Option<T>,
    ) -> Result<T, JsonError> {
        let text = self.text(field)?;
        parse(&text).ok_or_else(|| self.refuse(field))
    }

    /// The number in `field`, in the range of `T`.
    ///
    /// # Errors
    /// [`JsonError::Missing`]; [`JsonError::Value`] for another type or a number out of range.
    pub fn number<T: TryFrom<u64>>(&mut self, field: &'static str) -> Result<T, JsonError> {
        match self.value(field)? {
            Json::Number(number) => T::try_from(number).map_err(|_| self.refuse(field)),
            _ => Err(self.refuse(field)),
        }
    }

    /// The number in `field`, in the range of `T`, when it is there.
    ///
    /// # Errors
    /// [`JsonError::Value`] for another type or a number out of range.
    pub fn optional_number<T: TryFrom<u64>>(&mut self, field: &'static str) -> Result<Option<T>, JsonError> {
        match self.optional(field) {
            None => Ok(None),
            Some(Json::Number(number)) => T::try_from(number).map(Some).map_err(|_| self.refuse(field)),
            Some(_) => Err(self.refuse(field)),
        }
    }

    /// The array in `field`.
    ///
    /// # Errors
    /// [`JsonError::Missing`]; [`JsonError::Value`] for another type.
    pub fn list(&mut self, field: &'static str) -> Result<Vec<Json<'a>>, JsonError> {
        match self.value(field)? {
            Json::List(items) => Ok(items),
            _ => Err(self.refuse(field)),
        }
    }

    /// Ends the reading.
    ///
    /// # Errors
    /// [`JsonError::Unknown`] when a field was not taken.
    pub fn finish(self) -> Result<(), JsonError> {
        match self.left.first() {
            None => Ok(()),
            Some((name, _)) => {
                Err(JsonError::Unknown { artefact: self.artefact, field: name.chars().take(40).collect() })
            }
        }
    }
}

/// An object of `fields`, put in order; absent ones (`None`) are left out.
#[must_use]
pub fn object<'a, const N: usize>(fields: [(&'static str, Option<Json<'a>>); N]) -> Json<'a> {
    let mut present: Vec<_> =
        fields.into_iter().filter_map(|(name, value)| Some((Cow::Borrowed(name), value?))).collect();
    present.sort_by(|(a, _), (b, _)| a.cmp(b));
    Json::Object(present)
}
