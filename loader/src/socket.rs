// SPDX-License-Identifier: Apache-2.0

//! The unix socket: who listens, and who may call.

#![forbid(unsafe_code)]

use std::{
    fs, io,
    os::unix::{
        fs::{DirBuilderExt as _, FileTypeExt as _, PermissionsExt as _, chown},
        net::{UnixListener, UnixStream},
    },
    path::Path,
};

use tonic::{Request, Status, transport::server::UdsConnectInfo};

/// Binds with mode 0600, or 0660 for a group. A socket that nobody answers on
/// is replaced.
///
/// A group is how a caller that is another user gets in: whoever owns a file
/// may give it to one of its own groups (chown(2)), while another owner takes
/// CAP_CHOWN.
///
/// The socket is bound under another name and then moved into place, so that
/// it never shows with wider permissions, nor while nobody listens.
///
/// # Errors
/// One sentence: another loader answers there, something else is in the way,
/// the folder cannot be written, or the group is none of this process.
pub fn bind(path: &Path, group: Option<u32>) -> Result<UnixListener, String> {
    let failed = |error: io::Error| format!("Cannot listen on {}: {error}", path.display());
    if let Some(folder) = path.parent() {
        fs::DirBuilder::new()
            .recursive(true)
            .mode(0o700)
            .create(folder)
            .map_err(failed)?;
    }
    refuse_live(path)?;
    let next = path.with_extension(format!("{}.new", std::process::id()));
    let _ = fs::remove_file(&next);
    let listener = UnixListener::bind(&next).map_err(failed)?;
    let placed = open_to(&next, group)
        .and_then(|()| listener.set_nonblocking(true).map_err(failed))
        .and_then(|()| fs::rename(&next, path).map_err(failed));
    if let Err(error) = placed {
        let _ = fs::remove_file(&next);
        return Err(error);
    }
    Ok(listener)
}

fn open_to(socket: &Path, group: Option<u32>) -> Result<(), String> {
    let mode = match group {
        None => 0o600,
        Some(group) => {
            chown(socket, None, Some(group)).map_err(|error| {
                format!("Cannot give the socket to group {group}, which must be one of the loader's: {error}")
            })?;
            0o660
        }
    };
    fs::set_permissions(socket, fs::Permissions::from_mode(mode))
        .map_err(|error| format!("Cannot set the mode of the socket: {error}"))
}

fn refuse_live(path: &Path) -> Result<(), String> {
    match fs::symlink_metadata(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        Ok(metadata) if !metadata.file_type().is_socket() => {
            return Err(format!(
                "{} is in the way and is no socket; remove it",
                path.display()
            ));
        }
        _ => {}
    }
    match UnixStream::connect(path) {
        Ok(_) => Err(format!(
            "Another loader answers on {}; end it first, or choose another --socket",
            path.display()
        )),
        Err(error) if error.kind() == io::ErrorKind::ConnectionRefused => Ok(()),
        Err(error) => Err(format!(
            "Cannot tell who listens on {}: {error}",
            path.display()
        )),
    }
}

/// Lets only some users call.
#[derive(Debug, Clone)]
pub struct Allowed {
    uids: Vec<u32>,
}

impl Allowed {
    pub fn new(uids: Vec<u32>) -> Self {
        Self { uids }
    }

    /// # Errors
    /// PERMISSION_DENIED unless the caller's uid, as the kernel knew it when
    /// it connected (SO_PEERCRED), is allowed.
    pub fn check<T>(&self, request: Request<T>) -> Result<Request<T>, Status> {
        let uid = request
            .extensions()
            .get::<UdsConnectInfo>()
            .and_then(|info| info.peer_cred)
            .map(|credentials| credentials.uid());
        self.check_uid(uid)?;
        Ok(request)
    }

    fn check_uid(&self, uid: Option<u32>) -> Result<(), Status> {
        match uid {
            Some(uid) if self.uids.contains(&uid) => Ok(()),
            Some(uid) => Err(Status::permission_denied(format!(
                "User {uid} may not call the loader; start it with --allow-uid {uid}"
            ))),
            None => Err(Status::permission_denied(
                "The kernel does not say which user calls; connect over the unix socket",
            )),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::MetadataExt as _;

    use tonic::Code;

    use super::*;

    /// A folder of its own that goes away with the value.
    struct Folder(std::path::PathBuf);

    impl Folder {
        fn new(name: &str) -> Self {
            let path = std::env::temp_dir().join(format!("loader-{name}-{}", std::process::id()));
            let _ = fs::remove_dir_all(&path);
            Self(path)
        }

        fn socket(&self) -> std::path::PathBuf {
            self.0.join("l.sock")
        }
    }

    impl Drop for Folder {
        fn drop(&mut self) {
            let _ = fs::remove_dir_all(&self.0);
        }
    }

    fn mode(path: &Path) -> u32 {
        fs::metadata(path).unwrap().permissions().mode() & 0o777
    }

    #[test]
    fn bind_makes_a_private_socket_in_a_private_folder() {
        let folder = Folder::new("private");
        let _listener = bind(&folder.socket(), None).unwrap();
        assert_eq!(mode(&folder.0), 0o700);
        assert_eq!(mode(&folder.socket()), 0o600);
        assert_eq!(fs::read_dir(&folder.0).unwrap().count(), 1);
    }

    #[test]
    fn bind_opens_the_socket_to_a_group_of_the_process() {
        let folder = Folder::new("group");
        fs::create_dir(&folder.0).unwrap();
        let group = fs::metadata(&folder.0).unwrap().gid();
        let _listener = bind(&folder.socket(), Some(group)).unwrap();
        assert_eq!(mode(&folder.socket()), 0o660);
        assert_eq!(fs::metadata(folder.socket()).unwrap().gid(), group);
    }

    #[test]
    fn bind_replaces_a_socket_that_nobody_answers_on() {
        let folder = Folder::new("stale");
        drop(bind(&folder.socket(), None).unwrap());
        let _listener = bind(&folder.socket(), None).unwrap();
        UnixStream::connect(folder.socket()).unwrap();
    }

    #[test]
    fn bind_refuses_while_another_answers_or_a_file_is_in_the_way() {
        let folder = Folder::new("live");
        let _listener = bind(&folder.socket(), None).unwrap();
        let error = bind(&folder.socket(), None).unwrap_err();
        assert!(error.contains("Another loader answers"), "{error}");
        let file = folder.0.join("file");
        fs::write(&file, "precious").unwrap();
        let error = bind(&file, None).unwrap_err();
        assert!(error.contains("no socket"), "{error}");
        assert_eq!(fs::read(&file).unwrap(), b"precious");
    }

    #[test]
    fn check_uid_allows_only_those_listed() {
        let allowed = Allowed::new(vec![0, 7]);
        assert!(allowed.check_uid(Some(7)).is_ok());
        let status = allowed.check_uid(Some(8)).unwrap_err();
        assert_eq!(status.code(), Code::PermissionDenied);
        assert!(status.message().contains("--allow-uid 8"));
        assert_eq!(
            allowed.check_uid(None).unwrap_err().code(),
            Code::PermissionDenied
        );
    }
}
