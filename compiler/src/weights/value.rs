//! Where a declaration says its weights are.

use std::path::{Path, PathBuf};
use std::{env, fs};

use proc_macro2::TokenStream;
use quote::quote;
use syn::LitStr;

use super::error::WeightsError;

const PACKAGE: &str = "CARGO_MANIFEST_DIR";

/// The largest object where pointers have 16 bits.
const LARGEST_16_BIT_OBJECT_BYTES: u64 = 32_767;

/// The environment variables of the build.
type Environment<'a> = &'a dyn Fn(&str) -> Result<String, env::VarError>;

/// The value of `weights`.
#[derive(Clone, Debug)]
pub enum WeightsValue {
    /// A file, read at compile time.
    File(WeightsPath),
    /// `runtime`: the firmware loads them.
    Runtime,
}

/// A path to a weights file: a string literal, `env!("NAME")`, or `concat!(…)`
/// of these. A relative path starts at the directory of the user's Cargo.toml.
#[derive(Clone, Debug)]
pub struct WeightsPath {
    parts: Vec<PathPart>,
}

/// A part of a path.
#[derive(Clone, Debug)]
pub enum PathPart {
    /// As it is written.
    Text(LitStr),
    /// The value of an environment variable.
    Variable(LitStr),
}

impl WeightsPath {
    /// The path of these parts, one after the other.
    pub fn new(parts: Vec<PathPart>) -> Self {
        Self { parts }
    }

    /// As it is written.
    pub fn parts(&self) -> &[PathPart] {
        &self.parts
    }

    /// The path on this machine.
    ///
    /// # Errors
    /// [`WeightsError::Variable`] and [`WeightsError::EmptyPath`].
    pub fn locate(&self) -> Result<PathBuf, WeightsError> {
        self.locate_by(&|name| env::var(name))
    }

    /// The path on this machine, of a crate in the folder `package` that is built
    /// with the variables of `environment`, wherever this process runs.
    ///
    /// # Errors
    /// As [`Self::locate`].
    pub fn locate_in(
        &self,
        package: &Path,
        environment: impl Fn(&str) -> Result<String, env::VarError>,
    ) -> Result<PathBuf, WeightsError> {
        self.locate_by(&|name| match name {
            PACKAGE => Ok(package.display().to_string()),
            _ => environment(name),
        })
    }

    fn locate_by(&self, environment: Environment<'_>) -> Result<PathBuf, WeightsError> {
        let mut path = String::new();
        for part in &self.parts {
            match part {
                PathPart::Text(text) => path += &text.value(),
                PathPart::Variable(name) => path += &variable(&name.value(), environment)?,
            }
        }
        if path.is_empty() {
            return Err(WeightsError::EmptyPath);
        }
        // `join` takes an absolute path as it is.
        match Path::new(&path).is_absolute() {
            true => Ok(path.into()),
            false => Ok(Path::new(&variable(PACKAGE, environment)?).join(path)),
        }
    }

    /// A constant that makes the compiler build again when the file or a variable
    /// changes.
    pub fn tracking_tokens(&self) -> TokenStream {
        let path = self.include_tokens();
        // Where pointers have 16 bits, rustc refuses so large an array (E0080) and
        // panics from 65,536 bytes on: there a change of such a file goes
        // unnoticed, unless a build script watches it.
        let length_bytes = self.locate().ok().and_then(|path| fs::metadata(path).ok());
        let elsewhere = length_bytes
            .is_some_and(|file| file.len() > LARGEST_16_BIT_OBJECT_BYTES)
            .then(|| quote!(#[cfg(not(target_pointer_width = "16"))]));
        quote! {
            #elsewhere
            const _: &[u8] = ::core::include_bytes!(#path);
        }
    }

    /// The argument for `include_bytes!`, made of the written parts, so that no
    /// path of this machine is in it.
    fn include_tokens(&self) -> TokenStream {
        let mut parts: Vec<_> = self
            .parts
            .iter()
            .map(|part| match part {
                PathPart::Text(text) => quote!(#text),
                PathPart::Variable(name) => quote!(::core::env!(#name)),
            })
            .collect();
        if !self.is_absolute() {
            parts.splice(0..0, [quote!(::core::env!(#PACKAGE)), quote!("/")]);
        }
        match &parts[..] {
            [path] => path.clone(),
            _ => quote!(::core::concat!(#(#parts),*)),
        }
    }

    /// Whether the path starts at a root. Its first part decides.
    fn is_absolute(&self) -> bool {
        let first = self.parts.iter().find_map(|part| {
            let text = match part {
                PathPart::Text(text) => text.value(),
                PathPart::Variable(name) => env::var(name.value()).unwrap_or_default(),
            };
            Some(text).filter(|text| !text.is_empty())
        });
        first.is_some_and(|first| Path::new(&first).is_absolute())
    }
}

fn variable(name: &str, environment: Environment<'_>) -> Result<String, WeightsError> {
    let error = |reason| WeightsError::Variable {
        name: name.to_owned(),
        reason,
    };
    // Such a name is never set, and some systems do not take it.
    if name.is_empty() || name.contains(['=', '\0']) {
        return Err(error("is not a possible name"));
    }
    environment(name).map_err(|cause| match cause {
        env::VarError::NotPresent => error("is not set"),
        env::VarError::NotUnicode(_) => error("is not Unicode"),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(text: &str) -> PathPart {
        PathPart::Text(LitStr::new(text, proc_macro2::Span::call_site()))
    }

    fn own_variable(name: &str) -> PathPart {
        PathPart::Variable(LitStr::new(name, proc_macro2::Span::call_site()))
    }

    #[test]
    fn relative_paths_start_at_the_package() {
        let value = WeightsPath::new(vec![text("digits.safetensors")]);
        let package = Path::new(env!("CARGO_MANIFEST_DIR"));
        assert_eq!(value.locate().unwrap(), package.join("digits.safetensors"));
        let tokens = value.include_tokens().to_string().replace(' ', "");
        assert_eq!(
            tokens,
            "::core::concat!(::core::env!(\"CARGO_MANIFEST_DIR\"),\"/\",\"digits.safetensors\")"
        );
    }

    #[test]
    fn absolute_variables_stand_alone_and_unexpanded() {
        // Cargo sets this one for tests, and it is absolute.
        let value = WeightsPath::new(vec![own_variable("CARGO_MANIFEST_DIR"), text("/a")]);
        assert_eq!(
            value.locate().unwrap(),
            Path::new(env!("CARGO_MANIFEST_DIR")).join("a")
        );
        let tokens = value.include_tokens().to_string().replace(' ', "");
        assert_eq!(
            tokens,
            "::core::concat!(::core::env!(\"CARGO_MANIFEST_DIR\"),\"/a\")"
        );
    }

    #[test]
    fn a_file_larger_than_an_array_is_tracked_where_arrays_are_larger() {
        let is_everywhere = |path| {
            let tokens = WeightsPath::new(vec![text(path)]).tracking_tokens();
            !tokens.to_string().contains("target_pointer_width")
        };
        assert!(is_everywhere("../examples/tiny85/digits.safetensors"));
        assert!(!is_everywhere("../examples/mega/digits.safetensors"));
    }

    #[test]
    fn a_variable_that_is_not_set_is_named() {
        let value = WeightsPath::new(vec![own_variable("HERRINGBONE_NO_SUCH_VARIABLE")]);
        assert!(
            value
                .locate()
                .unwrap_err()
                .to_string()
                .contains("`HERRINGBONE_NO_SUCH_VARIABLE` is not set")
        );
        assert!(
            WeightsPath::new(vec![own_variable("a=b")])
                .locate()
                .is_err()
        );
    }
}
