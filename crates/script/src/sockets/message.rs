//! sendmsg and recvmsg: the header of a message, and what a read writes into it.

use faultwire_tcp::State;

use crate::problem::Problem;
use crate::sockets::file::SocketFile;
use crate::sockets::transfer::{Receive, Send, Space, destination, gather};
use crate::sockets::value::{Arguments, Value, unknown};
use crate::sockets::{Progress, Stop, World};

pub(super) fn sendmsg(world: &mut World<'_>, arguments: &Arguments<'_>) -> Result<Progress, Stop> {
    arguments.count(3)?;
    let header = arguments.get(1);
    header.has_only(HEADER)?;
    if header.member(&["msg_control"])?.is_some_and(|control| !is_empty(control)) {
        return Ok(unknown("ancillary data of a sendmsg".into())?);
    }
    let to = match header.member(&["msg_name"])? {
        Some(name) => Some(destination(world, name)?),
        None => None,
    };
    let data = match header.member(&["msg_iov"])? {
        Some(vector) => gather(vector)?,
        None => return Ok(unknown("a message without msg_iov".into())?),
    };
    Send::begin(world, arguments.integer(0)?, data, arguments.integer(2)?, to)
}

pub(super) fn recvmsg(world: &mut World<'_>, arguments: &Arguments<'_>) -> Result<Progress, Stop> {
    arguments.count(3)?;
    let header = arguments.get(1);
    header.has_only(HEADER)?;
    let data = match header.member(&["msg_iov"])? {
        Some(vector) => gather(vector)?,
        None => return Ok(unknown("a message without msg_iov".into())?),
    };
    let space = Space { length: data.as_ref().map_or(0, |data| data.len().into()), null: data.is_none() };
    let space = if space.null { Space { length: 1, ..space } } else { space };
    let message = ExpectedMessage {
        flags: header.member(&["msg_flags"])?.map(Value::pointed).transpose()?.flatten(),
        control: header.member(&["msg_control"])?.cloned(),
    };
    Receive::begin(world, arguments.integer(0)?, space, arguments.integer(2)?, Some(message))
}

/// What the script says that a read writes into the header of its message.
#[derive(Clone, Debug)]
pub(super) struct ExpectedMessage {
    flags: Option<i64>,
    control: Option<Value>,
}

impl ExpectedMessage {
    /// What is different, if something is. The data has been taken.
    pub(super) fn compare(&self, world: &World<'_>, file: &SocketFile) -> Result<Option<String>, Problem> {
        // A stream sets no flag here: nothing of it is cut, and there are no records.
        if let Some(flags) = self.flags.filter(|&flags| flags != 0) {
            return Ok(Some(format!("msg_flags is 0, and not {flags:#x}")));
        }
        let control = match &self.control {
            Some(control) if *control != Value::Any => control,
            _ => return Ok(None),
        };
        let wanted = if is_empty(control) { &[] } else { control.items()? };
        let told = if file.tells_queue { vec![queue(world, file)] } else { Vec::new() };
        let mut read = Vec::new();
        for item in wanted {
            item.has_only(&["cmsg_level", "cmsg_type", "cmsg_len", "cmsg_data"])?;
            let number = |name| match item.member(&[name])? {
                Some(value) => value.pointed(),
                None => Ok(None),
            };
            read.push((number("cmsg_level")?, number("cmsg_type")?, number("cmsg_data")?));
        }
        let tcp = world.flavour.known("IPPROTO_TCP");
        let inq = world.flavour.number("TCP_CM_INQ").unwrap_or(0);
        let same = read.len() == told.len()
            && read.iter().zip(&told).all(|(&(level, kind, data), &value)| {
                level.is_none_or(|level| level == tcp)
                    && kind.is_none_or(|kind| kind == inq)
                    && data.is_none_or(|data| data == value)
            });
        let shown: Vec<String> = told
            .iter()
            .map(|value| format!("{{cmsg_level={tcp}, cmsg_type={inq}, cmsg_data={value}}}"))
            .collect();
        Ok((!same).then(|| format!("msg_control is [{}], and not {control}", shown.join(", "))))
    }
}

/// What is left to be read (`tcp_inq_hint`): behind a FIN, one more, so that the reader asks for the end.
fn queue(world: &World<'_>, file: &SocketFile) -> i64 {
    let host = &world.machine.host;
    let unread = host.queued(file.fd).unwrap_or_default().unread;
    let ended = host.info(file.fd).is_ok_and(|info| {
        matches!(info.state, State::CloseWait | State::Closing | State::LastAck | State::TimeWait)
    });
    i64::try_from(unread).unwrap_or(i64::MAX) + i64::from(ended)
}

/// Whether a pointer or list has nothing.
fn is_empty(value: &Value) -> bool {
    value.is_null() || matches!(value, Value::List(items) if items.is_empty())
}

const HEADER: &[&str] =
    &["msg_name", "msg_namelen", "msg_iov", "msg_iovlen", "msg_control", "msg_controllen", "msg_flags"];
