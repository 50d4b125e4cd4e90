import CQuic
import Foundation
import Testing

@testable import Transport_Quic

/// A capture of a handshake, as others read it. Needs tshark.
@Suite(.timeLimit(.minutes(1))) struct QuicCaptureTests {
  static let tshark: String? = ["/usr/bin/tshark", "/usr/local/bin/tshark"].first { FileManager.default.isExecutableFile(atPath: $0) }

  @Test(.enabled(if: tshark != nil, "tshark is not installed")) func tsharkReadsOurHandshake() throws {
    let server = Machine(seed: 2), client = Machine(seed: 1)
    cquic_endpoint_accept(server.quic, true)
    client.connect()
    let packets = converse(client, server)
    #expect(client.events().contains { $0.kind == CQUIC_EVENT_CONNECTED })
    let file = FileManager.default.temporaryDirectory.appendingPathComponent("quic-\(UUID().uuidString).pcap")
    defer { try? FileManager.default.removeItem(at: file) }
    try Self.capture(packets).write(to: file)
    let process = Process(), output = Pipe()
    process.executableURL = URL(fileURLWithPath: try #require(Self.tshark))
    process.arguments = ["-n", "-r", file.path, "-T", "fields", "-e", "quic.version", "-e", "tls.handshake.type", "-e", "tls.handshake.extensions_alpn_str", "-e", "_ws.malformed"]
    (process.standardOutput, process.standardError) = (output, FileHandle.nullDevice)
    try process.run()
    let text = String(decoding: output.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
    process.waitUntilExit()
    let lines = text.split(separator: "\n", omittingEmptySubsequences: false).map { $0.split(separator: "\t", omittingEmptySubsequences: false).map(String.init) }
    // Our ClientHello, which tshark decrypts with the Initial keys, with our protocol's name; then the ServerHello.
    #expect(lines.first.map { $0.count > 2 && $0[0].contains("0x00000001") && $0[1] == "1" && $0[2] == "centram/1" } == true, "\(text)")
    #expect(lines.contains { $0.count > 1 && $0[1].split(separator: ",").contains("2") }, "\(text)")
    #expect(lines.count > packets.count && !lines.contains { $0.count > 3 && !$0[3].isEmpty }, "\(text)")
  }

  /// A file of raw IPv4 packets, in the format of libpcap.
  private static func capture(_ packets: [(fromFirst: Bool, bytes: [UInt8])]) -> Data {
    func little(_ value: UInt32) -> [UInt8] { (0..<4).map { UInt8(truncatingIfNeeded: value >> (8 * UInt32($0))) } }
    func big(_ value: Int) -> [UInt8] { [UInt8(truncatingIfNeeded: value >> 8), UInt8(truncatingIfNeeded: value)] }
    var data = Data(little(0xa1b2_c3d4) + [2, 0, 4, 0] + little(0) + little(0) + little(65535) + little(101))
    for (index, (fromFirst, bytes)) in packets.enumerated() {
      let ends = fromFirst ? [1, 2] : [2, 1] as [UInt8], ports = fromFirst ? (50000, 443) : (443, 50000)
      let ip = [0x45, 0] + big(28 + bytes.count) + [0, 0, 0x40, 0, 64, 17, 0, 0, 127, 0, 0, ends[0], 127, 0, 0, ends[1]]
      let packet = ip + big(ports.0) + big(ports.1) + big(8 + bytes.count) + [0, 0] + bytes
      data += Data(little(1) + little(UInt32(index)) + little(UInt32(packet.count)) + little(UInt32(packet.count)) + packet)
    }
    return data
  }
}
