import CentramPluginAPI
import FoundationEssentials

/// The plugin's settings, a flat JSON object. `docs/plugins/transport-quic.md` says what each does.
struct QuicSettings: Equatable {
  var idleTimeoutMilliseconds: UInt64 = 30_000
  var handshakeTimeoutMilliseconds: UInt64 = 10_000
  /// 0: none.
  var keepAliveMilliseconds: UInt64 = 10_000
  var lingerMilliseconds: UInt64 = 1_000
  var streamWindow: UInt64 = 1 << 20, maximumStreamWindow: UInt64 = 8 << 20
  var connectionWindow: UInt64 = 2 << 20, maximumConnectionWindow: UInt64 = 16 << 20
  var streamSendBuffer: UInt64 = 4 << 20, connectionSendBuffer: UInt64 = 16 << 20
  var maximumStreams: UInt64 = 128
  var maximumConnections: UInt64 = 4096
  var maximumHalfOpen: UInt64 = 512
  var retryAboveHalfOpen: UInt64 = 64
  var handshakesPerMinute: UInt64 = 120
  var datagramQueue: UInt64 = 64
  var maximumUDPPayload: UInt64 = 1452
  var pathMTUDiscovery = true, pacing = true, offload = true

  struct Number: @unchecked Sendable {
    let name: String, path: WritableKeyPath<QuicSettings, UInt64>, limits: ClosedRange<UInt64>
    init(_ name: String, _ path: WritableKeyPath<QuicSettings, UInt64>, _ limits: ClosedRange<UInt64>) { (self.name, self.path, self.limits) = (name, path, limits) }
  }
  struct Flag: @unchecked Sendable {
    let name: String, path: WritableKeyPath<QuicSettings, Bool>
    init(_ name: String, _ path: WritableKeyPath<QuicSettings, Bool>) { (self.name, self.path) = (name, path) }
  }

  static let numbers = [
    Number("idle_timeout_ms", \.idleTimeoutMilliseconds, 100...3_600_000),
    Number("handshake_timeout_ms", \.handshakeTimeoutMilliseconds, 100...600_000),
    Number("keep_alive_ms", \.keepAliveMilliseconds, 0...3_600_000),
    Number("linger_ms", \.lingerMilliseconds, 0...60_000),
    Number("stream_window", \.streamWindow, 4096...1 << 30),
    Number("max_stream_window", \.maximumStreamWindow, 4096...1 << 30),
    Number("connection_window", \.connectionWindow, 4096...1 << 32),
    Number("max_connection_window", \.maximumConnectionWindow, 4096...1 << 32),
    Number("stream_send_buffer", \.streamSendBuffer, 4096...1 << 30),
    Number("connection_send_buffer", \.connectionSendBuffer, 4096...1 << 32),
    Number("max_streams", \.maximumStreams, 1...65536),
    Number("max_connections", \.maximumConnections, 1...1_000_000),
    Number("max_half_open", \.maximumHalfOpen, 1...100_000),
    Number("retry_above_half_open", \.retryAboveHalfOpen, 0...100_000),
    Number("handshakes_per_minute", \.handshakesPerMinute, 1...1_000_000),
    Number("datagram_queue", \.datagramQueue, 1...65536),
    Number("max_udp_payload", \.maximumUDPPayload, 1200...65000),
  ]
  static let flags = [Flag("path_mtu_discovery", \.pathMTUDiscovery), Flag("pacing", \.pacing), Flag("offload", \.offload)]

  init() {}

  /// - Throws: `.invalid` for what is no JSON object, an unknown name, a wrong type, a value out of its limits, or values that do not fit together.
  init(json: String) throws(PluginError) {
    guard json.utf8.count <= 1 << 16 else { throw PluginError(.limitExceeded, "settings of \(json.utf8.count) bytes; 64 KiB is the limit") }
    let values: [String: Value]
    do { values = try JSONDecoder().decode([String: Value].self, from: Data(json.utf8)) } catch {
      throw PluginError(.invalid, "the settings of transport.quic are not a JSON object of whole numbers and true or false")
    }
    for (name, value) in values.sorted(by: { $0.key < $1.key }) {
      if let number = Self.numbers.first(where: { $0.name == name }) {
        guard case .number(let amount) = value else { throw PluginError(.invalid, "\(name) is not a whole number") }
        guard number.limits.contains(amount) else {
          throw PluginError(.invalid, "\(name) is \(amount), not from \(number.limits.lowerBound) to \(number.limits.upperBound)")
        }
        self[keyPath: number.path] = amount
      } else if let flag = Self.flags.first(where: { $0.name == name }) {
        guard case .flag(let isOn) = value else { throw PluginError(.invalid, "\(name) is neither true nor false") }
        self[keyPath: flag.path] = isOn
      } else {
        let known = (Self.numbers.map(\.name) + Self.flags.map(\.name)).sorted().joined(separator: ", ")
        throw PluginError(.invalid, "transport.quic has no setting \(name.prefix(60)); known are \(known)")
      }
    }
    // A window given alone brings its largest size along.
    if values["max_stream_window"] == nil { maximumStreamWindow = max(maximumStreamWindow, streamWindow) }
    if values["max_connection_window"] == nil { maximumConnectionWindow = max(maximumConnectionWindow, connectionWindow) }
    guard streamWindow <= maximumStreamWindow else {
      throw PluginError(.invalid, "stream_window is \(streamWindow), above max_stream_window, \(maximumStreamWindow)")
    }
    guard connectionWindow <= maximumConnectionWindow else {
      throw PluginError(.invalid, "connection_window is \(connectionWindow), above max_connection_window, \(maximumConnectionWindow)")
    }
  }

  private enum Value: Decodable {
    case number(UInt64), flag(Bool)
    init(from decoder: any Decoder) throws {
      let container = try decoder.singleValueContainer()
      if let flag = try? container.decode(Bool.self) { self = .flag(flag) } else { self = .number(try container.decode(UInt64.self)) }
    }
  }
}
