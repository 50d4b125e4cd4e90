"""An aioquic peer for QuicInteropTests: `aioquic_peer.py server CERT KEY` or `aioquic_peer.py client CERT KEY PORT`.

The server prints its port, answers each stream with what it got, and stops when its input ends. The client sends 300,000 bytes on each of
three streams, checks the answers, moves to another local port, and does so again. A stream's opener sends a zero byte first."""
import asyncio, ssl, sys
from aioquic.asyncio import connect
from aioquic.asyncio.protocol import QuicConnectionProtocol
from aioquic.asyncio.server import QuicServer
from aioquic.quic.configuration import QuicConfiguration
from aioquic.quic.events import DatagramFrameReceived, HandshakeCompleted, StreamDataReceived
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat


def configuration(is_client, certificate, key):
    result = QuicConfiguration(is_client=is_client, alpn_protocols=["centram/1"], max_datagram_frame_size=65535, idle_timeout=20)
    result.load_cert_chain(certificate, key)
    result.verify_mode = ssl.CERT_NONE
    return result


def peer_key(connection):
    return connection.tls._peer_certificate.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw).hex()


class Echo(QuicConnectionProtocol):
    def __init__(self, *arguments, **named):
        super().__init__(*arguments, **named)
        # aioquic asks clients for a certificate only when told so.
        initialize = self._quic._initialize

        def asking(peer_cid):
            initialize(peer_cid)
            self._quic.tls._request_client_certificate = True

        self._quic._initialize = asking
        self.seen = set()

    def quic_event_received(self, event):
        if isinstance(event, HandshakeCompleted):
            print("peer", peer_key(self._quic), flush=True)
        elif isinstance(event, DatagramFrameReceived):
            self._quic.send_datagram_frame(event.data)
        elif isinstance(event, StreamDataReceived):
            data = event.data
            if event.stream_id not in self.seen and data:
                assert data[0] == 0, data[:1]
                self.seen.add(event.stream_id)
                data = data[1:]
            self._quic.send_stream_data(event.stream_id, data, event.end_stream)
        self.transmit()


class Client(QuicConnectionProtocol):
    def __init__(self, *arguments, **named):
        super().__init__(*arguments, **named)
        self.received, self.done, self.datagrams = {}, {}, asyncio.Queue()

    def quic_event_received(self, event):
        if isinstance(event, StreamDataReceived):
            self.received[event.stream_id] = self.received.get(event.stream_id, b"") + event.data
            if event.end_stream:
                self.done[event.stream_id].set()
        elif isinstance(event, DatagramFrameReceived):
            self.datagrams.put_nowait(event.data)

    async def ask(self, payload):
        stream = self._quic.get_next_available_stream_id()
        self.done[stream] = asyncio.Event()
        self._quic.send_stream_data(stream, b"\0" + payload, True)
        self.transmit()
        await asyncio.wait_for(self.done[stream].wait(), 60)
        assert self.received[stream] == payload, "an answer differs"


async def serve(certificate, key):
    loop = asyncio.get_running_loop()
    transport, _ = await loop.create_datagram_endpoint(
        lambda: QuicServer(configuration=configuration(False, certificate, key), create_protocol=Echo), local_addr=("127.0.0.1", 0))
    print("port", transport.get_extra_info("sockname")[1], flush=True)
    await loop.run_in_executor(None, sys.stdin.read)


async def dial(certificate, key, port):
    async with connect("127.0.0.1", port, configuration=configuration(True, certificate, key), create_protocol=Client) as client:
        print("peer", peer_key(client._quic), flush=True)
        payload = bytes(i * 31 % 256 for i in range(300_000))
        await asyncio.gather(*(client.ask(payload) for _ in range(3)))
        client._quic.request_key_update()
        await client.ask(payload)
        client._quic.send_datagram_frame(b"unreliable")
        client.transmit()
        assert await asyncio.wait_for(client.datagrams.get(), 60) == b"unreliable"
        client.change_connection_id()
        await client.ask(payload)
        client.close(7, reason_phrase="bye")
    print("done", flush=True)


if sys.argv[1] == "server":
    asyncio.run(serve(*sys.argv[2:4]))
else:
    asyncio.run(dial(sys.argv[2], sys.argv[3], int(sys.argv[4])))
