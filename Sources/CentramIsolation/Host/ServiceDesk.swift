internal import CSandbox
internal import CentramPluginAPI
internal import Synchronization

/// Answers what a plugin asks of its host outside of calls: the log, the clock, random bytes, and for transports, the node's identity.
final class ServiceDesk: Sendable {
  /// The services that there are, by id.
  let offered: [String]
  private let services: any HostServices
  private let clock: (any ClockService)?, random: (any RandomService)?
  private let kind: PluginKind
  private let linesPerSecond: Int
  private let exportsSeed: Bool
  private let lines = Mutex<(second: UInt64, count: Int)>((0, 0))
  private let merges = Mutex<[UInt64: MergeRequest]>([:])

  init(_ services: any HostServices, kind: PluginKind, _ configuration: IsolationConfiguration) {
    (self.services, self.kind, linesPerSecond) = (services, kind, configuration.logLinesPerSecond)
    exportsSeed = configuration.exportsSeed && kind == .transport
    clock = services.service("centram.clock/1") as? any ClockService
    random = services.service("centram.random/1") as? any RandomService
    let identity = Self.identity(services, kind)
    offered = [clock.map { _ in "centram.clock/1" }, random.map { _ in "centram.random/1" }, identity.map { _ in "centram.identity/1" }].compactMap { $0 }
  }

  /// A signature of the node's is not for code that only computes: whoever reads its results would carry it out.
  private static func identity(_ services: any HostServices, _ kind: PluginKind) -> (any IdentityService)? {
    kind == .transport ? services.service("centram.identity/1") as? any IdentityService : nil
  }

  /// Asked for anew each time, as in process: a suite gives each instance its own.
  private var identity: (any IdentityService)? { Self.identity(services, kind) }

  /// Lets a merge's masks be asked for as long as it is under way.
  func begin(_ id: UInt64, _ request: MergeRequest) { if request.masks != nil { merges.withLock { $0[id] = request } } }
  func finish(_ id: UInt64) { merges.withLock { _ = $0.removeValue(forKey: id) } }

  /// Answers until the other side is gone.
  /// - Returns: how the other side broke the protocol; nil where it did not.
  func serve(_ socket: PacketSocket) -> String? {
    do throws(ChannelError) {
      while true {
        let message = try socket.receive()
        guard message.direction == .call else { throw .broken("a reply to nothing") }
        var answer = Message(operation: message.operation, direction: .reply, id: message.id)
        switch try self.answer(message) {
        case .success(let payload): answer.payload = payload
        case .failure(let error):
          var writer = MessageWriter()
          writer.add(error)
          (answer.direction, answer.payload) = (.failure, writer.bytes)
        }
        // A line in the log is not waited for.
        if message.operation != .log { try socket.send(answer) }
      }
    } catch {
      if case .broken(let how) = error { return how }
      return nil
    }
  }

  private func answer(_ message: Message) throws(ChannelError) -> Result<[UInt8], PluginError> {
    var reader = MessageReader(message.payload), writer = MessageWriter()
    var failure: PluginError?
    switch message.operation {
    case .log:
      let level = LogLevel(rawValue: try reader.number()) ?? .info
      log(level, try reader.text(limit: 4096))
    case .unixMilliseconds: writer.add(clock?.unixMilliseconds ?? 0)
    case .monotonicNanoseconds: writer.add(clock?.monotonicNanoseconds ?? 0)
    case .random:
      var bytes = [UInt8](repeating: 0, count: try reader.size(limit: 1 << 20))
      bytes.withUnsafeMutableBytes { random?.fill($0) }
      writer.add(bytes)
    case .publicKey: writer.add(identity?.publicKey ?? [])
    case .sign:
      let text = try reader.list(limit: 1 << 20)
      do throws(PluginError) {
        guard let identity else { throw PluginError(.unsupported, "this plugin's kind has no part in the node's identity") }
        writer.add(try identity.sign(text))
      } catch { failure = error }
    case .exportSeed:
      do throws(PluginError) {
        guard exportsSeed, let identity else {
          throw PluginError(.unsupported, "the node's key does not leave the node's process: sign instead, or set plugins.isolation.exportSeed to true")
        }
        writer.add(try identity.exportSeed())
      } catch { failure = error }
    case .mask: try mask(&reader, &writer)
    default: throw .broken("\(message.operation) on the services' socket")
    }
    try reader.end()
    return failure.map { .failure($0) } ?? .success(writer.bytes)
  }

  private func mask(_ reader: inout MessageReader, _ writer: inout MessageWriter) throws(ChannelError) {
    let id: UInt64 = try reader.number(), input = Int(try reader.number(UInt32.self))
    let offset = try reader.size(limit: .max), count = try reader.size(limit: 1 << 20)
    guard let request = merges.withLock({ $0[id] }), input < request.models.count, offset <= request.count, count <= request.count - offset else {
      throw .broken("masks of \(count) elements from \(offset) on for input \(input), which no merge under way has")
    }
    var mask = [UInt8](repeating: 0, count: count)
    let isFilled = mask.withUnsafeMutableBufferPointer { request.fillMask($0, input: input, offset: offset) }
    writer.add(isFilled)
    if isFilled { writer.add(mask) }
  }

  private func log(_ level: LogLevel, _ line: String) {
    let second = centram_monotonic() / 1_000_000_000
    let count = lines.withLock { lines in
      lines = lines.second == second ? (second, lines.count + 1) : (second, 1)
      return lines.count
    }
    if count <= linesPerSecond { services.log(level, line) }
    if count == linesPerSecond { services.log(.warning, "further lines of this second are dropped; the limit is \(linesPerSecond)") }
  }
}
