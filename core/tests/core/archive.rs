//! The simplest format of an archive: a JSON list of paths and texts. A path that starts with `!`
//! is a file that the decoder refuses.

use std::io::Read;

use packhouse_core::archives::{
    ArchiveError, ArchiveErrorKind, ArchiveFile, ArchiveLimits, ArchiveReader, ArchiveSource,
    Archives,
};

/// An archive of these paths and texts.
pub(crate) fn archive(files: &[(&str, &str)]) -> String {
    serde_json::to_string(files).unwrap()
}

#[derive(Debug)]
pub(crate) struct JsonArchives;

impl Archives for JsonArchives {
    fn open(
        &self,
        mut source: Box<dyn ArchiveSource>,
        limits: ArchiveLimits,
    ) -> Result<Box<dyn ArchiveReader>, ArchiveError> {
        let mut text = String::new();
        source.read_to_string(&mut text).map_err(|error| ArchiveError {
            kind: ArchiveErrorKind::Source,
            entry: None,
            reason: "the source broke".to_owned(),
            source: Some(error),
        })?;
        let files: Vec<(String, String)> = serde_json::from_str(&text)
            .map_err(|_| refused(ArchiveErrorKind::Refused, None, "it is no archive"))?;
        if files.len() as u64 > limits.entries {
            return Err(refused(ArchiveErrorKind::TooLarge, None, "it has too many entries"));
        }
        Ok(Box::new(Reader { files: files.into_iter(), text: Vec::new() }))
    }
}

fn refused(kind: ArchiveErrorKind, entry: Option<&str>, reason: &str) -> ArchiveError {
    let entry = entry.map(str::to_owned);
    ArchiveError { kind, entry, reason: reason.to_owned(), source: None }
}

struct Reader {
    files: std::vec::IntoIter<(String, String)>,
    text: Vec<u8>,
}

impl ArchiveReader for Reader {
    fn next_file(&mut self) -> Result<Option<ArchiveFile>, ArchiveError> {
        let Some((path, text)) = self.files.next() else { return Ok(None) };
        if path.starts_with('!') {
            return Err(refused(ArchiveErrorKind::Refused, Some(&path), "it is hostile"));
        }
        self.text = text.into_bytes();
        Ok(Some(ArchiveFile { path }))
    }

    /// One byte at a time.
    fn read(&mut self, buffer: &mut [u8]) -> Result<usize, ArchiveError> {
        if self.text.is_empty() {
            return Ok(0);
        }
        buffer[0] = self.text.remove(0);
        Ok(1)
    }
}
