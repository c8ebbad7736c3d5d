//! Capture files: pcapng with raw IP packets, nanoseconds, comments and host names.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::fmt;
use std::io::{self, Write};
use std::net::IpAddr;

use faultwire_base::Instant;
use pcap_file::pcapng::blocks::enhanced_packet::{EnhancedPacketBlock, EnhancedPacketOption};
use pcap_file::pcapng::blocks::interface_description::{
    InterfaceDescriptionBlock, InterfaceDescriptionOption, InterfaceTsResolution,
};
use pcap_file::pcapng::blocks::name_resolution::{Ipv4Record, Ipv6Record, NameResolutionBlock, Record};
use pcap_file::pcapng::blocks::opt_common::CommonOption;
use pcap_file::pcapng::blocks::section_header::{SectionHeaderBlock, SectionHeaderOption};
use pcap_file::pcapng::{PcapNgWriteError, PcapNgWriter};
use pcap_file::{DataLink, Endianness};

/// Writes what one interface sees to a pcapng file.
///
/// Virtual time 0 is 1970-01-01 00:00:00 UTC in the file. The same packets give the same bytes on every machine. Blocks
/// are written in small pieces: give it a buffered writer.
///
/// ```
/// use faultwire_base::Instant;
/// use faultwire_wire::CaptureWriter;
///
/// let names = [("10.0.0.1".parse().unwrap(), "client".to_owned())];
/// let mut capture = CaptureWriter::new(Vec::new(), "client", &names)?;
/// capture.write(Instant::from_nanos(1), &[0x45, 0, 0, 20], Some("dropped by \"first data\""))?;
/// let file = capture.finish()?;
/// assert_eq!(file[..4], [0x0A, 0x0D, 0x0D, 0x0A]);
/// # Ok::<(), std::io::Error>(())
/// ```
pub struct CaptureWriter<W: Write> {
    blocks: PcapNgWriter<W>,
}

impl<W: Write> CaptureWriter<W> {
    /// Starts a file: section header, the one interface, and the names of all hosts.
    ///
    /// # Errors
    /// Those of `out`; [`io::ErrorKind::InvalidInput`] for a name that is empty, contains NUL or has more than 65,000
    /// octets.
    pub fn new(out: W, interface_name: &str, names: &[(IpAddr, String)]) -> io::Result<Self> {
        let section = SectionHeaderBlock {
            // Not the machine's own order: the same run gives the same file everywhere.
            endianness: Endianness::Little,
            options: vec![SectionHeaderOption::UserApplication(Cow::Borrowed(concat!(
                "faultwire ",
                env!("CARGO_PKG_VERSION")
            )))],
            ..SectionHeaderBlock::default()
        };
        let interface = InterfaceDescriptionBlock {
            linktype: DataLink::RAW,
            snaplen: LONGEST_PACKET,
            options: vec![
                InterfaceDescriptionOption::IfName(Cow::Borrowed(checked(interface_name)?)),
                InterfaceDescriptionOption::IfTsResol(InterfaceTsResolution::NANO),
            ],
        };
        let records = name_records(names)?;
        let mut blocks = PcapNgWriter::with_section_header(out, section).map_err(io_error)?;
        blocks.write_pcapng_block(interface).map_err(io_error)?;
        if !records.is_empty() {
            let names = NameResolutionBlock { records, options: Vec::new() };
            blocks.write_pcapng_block(names).map_err(io_error)?;
        }
        Ok(Self { blocks })
    }

    /// Appends a packet: `bytes` from its IP header on, as [`Packet::encode`](crate::Packet::encode) gives them. A
    /// comment longer than 65,000 octets is cut.
    ///
    /// # Errors
    /// Those of the writer; [`io::ErrorKind::InvalidInput`] for more octets than a pcapng packet can have.
    pub fn write(&mut self, at: Instant, bytes: &[u8], comment: Option<&str>) -> io::Result<()> {
        let length = u32::try_from(bytes.len())
            .map_err(|_| io::Error::new(io::ErrorKind::InvalidInput, "a packet of 4 GiB or more"))?;
        let comment = comment.map(|comment| &comment[..comment.floor_char_boundary(LONGEST_TEXT)]);
        let packet = EnhancedPacketBlock {
            interface_id: 0,
            timestamp: std::time::Duration::from_nanos(at.as_nanos()),
            original_len: length,
            data: Cow::Borrowed(bytes),
            options: comment
                .map(|comment| EnhancedPacketOption::Common(CommonOption::Comment(Cow::Borrowed(comment))))
                .into_iter()
                .collect(),
        };
        self.blocks.write_pcapng_block(packet).map_err(io_error)?;
        Ok(())
    }

    /// Flushes and gives the writer back. pcapng has no trailer: a file cut off between two packets is whole.
    ///
    /// # Errors
    /// Those of the writer's flush.
    pub fn finish(self) -> io::Result<W> {
        let mut out = self.blocks.into_inner();
        out.flush()?;
        Ok(out)
    }
}

impl<W: Write> fmt::Debug for CaptureWriter<W> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CaptureWriter").finish_non_exhaustive()
    }
}

/// The records of a name-resolution block, one an address, in the order of addresses.
fn name_records(names: &[(IpAddr, String)]) -> io::Result<Vec<Record<'_>>> {
    let mut by_address = BTreeMap::<IpAddr, Vec<Cow<'_, str>>>::new();
    for (address, name) in names {
        by_address.entry(*address).or_default().push(Cow::Borrowed(checked(name)?));
    }
    let record = |(address, names)| match address {
        IpAddr::V4(ip_addr) => Record::Ipv4(Ipv4Record { ip_addr, names }),
        IpAddr::V6(ip_addr) => Record::Ipv6(Ipv6Record { ip_addr, names }),
    };
    Ok(by_address.into_iter().map(record).collect())
}

/// The name if a capture can hold it.
fn checked(name: &str) -> io::Result<&str> {
    if name.is_empty() || name.len() > LONGEST_TEXT || name.contains('\0') {
        return Err(io::Error::new(
            io::ErrorKind::InvalidInput,
            format!("{name:?} is no name for a capture file"),
        ));
    }
    Ok(name)
}

fn io_error(error: PcapNgWriteError) -> io::Error {
    match error {
        PcapNgWriteError::Io(error) => error,
        other => io::Error::new(io::ErrorKind::InvalidInput, other),
    }
}

/// The snapshot length that Wireshark's own tools write: more than any IP packet without jumbograms.
const LONGEST_PACKET: u32 = 262_144;

/// Lengths of texts stand in 16 bits; a name record also holds the address.
const LONGEST_TEXT: usize = 65_000;
