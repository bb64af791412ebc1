// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause

use std::{
    fmt,
    net::{IpAddr, SocketAddr},
};

use crate::build::{ACK, PSH, Packet, SYN, TCP, UDP};

/// A client, a service and its only backend, over one family and protocol. No
/// two numbers are the same where one could be taken for the other.
#[derive(Clone, Debug)]
pub struct Ends {
    pub protocol: u8,
    pub client: SocketAddr,
    pub service: SocketAddr,
    pub backend: SocketAddr,
    pub service_id: u32,
    pub table: u32,
    pub backend_id: u32,
    pub epoch: u32,
    /// The backend is on another node.
    pub remote: bool,
    /// Around packets to it: this node's address and the other's.
    pub tunnel: Option<[IpAddr; 2]>,
    /// This node's address, where that stands for the client.
    pub snat: Option<IpAddr>,
}

impl Ends {
    pub fn tcp4() -> Self {
        Self {
            protocol: TCP,
            client: socket("198.51.100.7:40000"),
            service: socket("203.0.113.10:80"),
            backend: socket("10.0.0.2:8080"),
            service_id: 3,
            table: 21,
            backend_id: 101,
            epoch: 1007,
            remote: false,
            tunnel: None,
            snat: None,
        }
    }

    /// On the same address and port as TCP: the protocol tells them apart.
    pub fn udp4() -> Self {
        Self {
            protocol: UDP,
            backend: socket("10.0.0.3:5353"),
            service_id: 4,
            table: 22,
            backend_id: 102,
            epoch: 1008,
            ..Self::tcp4()
        }
    }

    pub fn tcp6() -> Self {
        Self {
            protocol: TCP,
            client: socket("[2001:db8:c::7]:40000"),
            service: socket("[2001:db8:5::10]:80"),
            backend: socket("[2001:db8:a::2]:8080"),
            service_id: 5,
            table: 23,
            backend_id: 103,
            epoch: 1009,
            remote: false,
            tunnel: None,
            snat: None,
        }
    }

    pub fn udp6() -> Self {
        Self {
            protocol: UDP,
            backend: socket("[2001:db8:a::3]:5353"),
            service_id: 6,
            table: 24,
            backend_id: 104,
            epoch: 1010,
            ..Self::tcp6()
        }
    }

    pub fn all() -> [Self; 4] {
        [Self::tcp4(), Self::udp4(), Self::tcp6(), Self::udp6()]
    }

    pub fn tcp() -> [Self; 2] {
        [Self::tcp4(), Self::tcp6()]
    }

    pub fn udp() -> [Self; 2] {
        [Self::udp4(), Self::udp6()]
    }

    /// The same with another client port: another flow.
    pub fn client_port(mut self, port: u16) -> Self {
        self.client.set_port(port);
        self
    }

    /// The same with another backend of the same service.
    pub fn second_backend(&self) -> Self {
        let mut other = self.clone();
        other.backend.set_port(9_090);
        other.backend_id += 50;
        other.epoch += 50;
        other
    }

    /// The same with another backend, on another node.
    pub fn remote(mut self) -> Self {
        self.remote = true;
        self.epoch += 500;
        self
    }

    /// The same with a backend behind the other node, that packets are routed to.
    pub fn routed(mut self) -> Self {
        let address = if self.service.is_ipv4() {
            "10.1.2.3"
        } else {
            "2001:db8:b::3"
        };
        self.backend.set_ip(address.parse().expect("an address"));
        self.epoch += 700;
        self
    }

    /// The same with a backend behind the other node, which sees this one's address
    /// for the client's.
    pub fn snat(self) -> Self {
        let mut far = self.routed();
        let source = if far.service.is_ipv4() {
            "172.16.0.1"
        } else {
            "2001:db8:2::1"
        };
        far.snat = Some(source.parse().expect("an address"));
        far.epoch += 50;
        far
    }

    /// The same with a client behind the other node.
    pub fn far_client(mut self) -> Self {
        let address = if self.service.is_ipv4() {
            "10.1.9.9"
        } else {
            "2001:db8:b::9"
        };
        self.client.set_ip(address.parse().expect("an address"));
        self
    }

    /// The same with another backend, on a node behind a router that is reached
    /// over IPv6, or else over IPv4.
    pub fn beyond(self, v6: bool) -> Self {
        let ends = if v6 {
            ["2001:db8:2::1", "2001:db8:29::9"]
        } else {
            ["172.16.0.1", "172.29.0.9"]
        };
        let mut far = self.remote();
        far.tunnel = Some(ends.map(|text| text.parse().expect("an address")));
        far.epoch += if v6 { 750 } else { 500 };
        far
    }

    /// What is around packets that the node of such a backend sends here.
    pub fn tunnel_here(&self) -> [IpAddr; 2] {
        let [here, there] = self.tunnel.expect("a node beyond a router");
        [there, here]
    }

    /// The packet as it travels to the node of a backend beyond a router.
    pub fn around(&self, packet: &Packet) -> Packet {
        let [source, node] = self.tunnel.expect("a node beyond a router");
        packet.clone().inside(source, node)
    }

    /// The other node's address on the link to it.
    pub fn node(&self) -> IpAddr {
        let text = if self.service.is_ipv4() {
            "172.16.0.2"
        } else {
            "2001:db8:2::2"
        };
        text.parse().expect("an address")
    }

    pub fn is_tcp(&self) -> bool {
        self.protocol == TCP
    }

    /// What begins a flow: a SYN with a few options, or a datagram.
    pub fn opening(&self) -> Packet {
        if !self.is_tcp() {
            return self.request();
        }
        let syn = Packet::tcp(self.client, self.service)
            .flags(SYN)
            .numbers(0xa1b2_c3d4, 0);
        // Maximum segment size and window scale (RFC 9293, section 3.2; RFC 7323).
        syn.with_tcp(|tcp| tcp.options = vec![2, 4, 0x05, 0xb4, 3, 3, 7, 0])
    }

    /// A client's packet in the middle of a flow.
    pub fn request(&self) -> Packet {
        let packet = self.packet(self.client, self.service);
        packet.payload(*b"from the client, odd length")
    }

    /// A backend's packet, as it leaves the pod.
    pub fn reply(&self) -> Packet {
        let packet = self.packet(self.backend, self.client);
        packet.payload(*b"from the backend")
    }

    fn packet(&self, from: SocketAddr, to: SocketAddr) -> Packet {
        if self.is_tcp() {
            Packet::tcp(from, to).flags(PSH | ACK)
        } else {
            Packet::udp(from, to)
        }
    }
}

impl fmt::Display for Ends {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let protocol = if self.is_tcp() { "TCP" } else { "UDP" };
        write!(
            formatter,
            "{protocol} from {} to {}",
            self.client, self.service
        )
    }
}

/// What all resets of the program have in common: like the kernel's own, they
/// carry nothing but what RFC 9293 asks for.
pub fn bare_reset(from: SocketAddr, to: SocketAddr) -> Packet {
    let reset = Packet::tcp(from, to).with_tcp(|tcp| tcp.window = 0);
    if from.is_ipv4() {
        reset.ipv4(|ip| ip.identification = 0)
    } else {
        reset.ipv6(|ip| ip.flow_label = 0)
    }
}

fn socket(text: &str) -> SocketAddr {
    text.parse().expect("an address and a port")
}
