internal import CSandbox
internal import CentramLanes
internal import CentramPluginAPI
internal import Foundation
internal import Glibc

/// The program in which one isolated plugin lives. It takes its orders from the host on descriptor 3, finds the library at descriptor 4,
/// and asks the host on descriptor 5. It gives up its rights before the library's first instruction runs.
public enum PluginRunner {
  private static let control: Int32 = 3, library: Int32 = 4, services: Int32 = 5

  public static func main() -> Never {
    guard centram_sandbox_prepare() == 0 else { exit(70) }
    let socket = PacketSocket(control)
    let state = RunnerState(RunnerServices(PacketSocket(services)))
    do throws(ChannelError) {
      while true {
        let (message, descriptors) = try socket.receiveWithDescriptors()
        var answer = Message(operation: message.operation, direction: .reply, id: message.id)
        do throws(PluginError) {
          answer.payload = try order(message, descriptors, state)
        } catch {
          var writer = MessageWriter()
          writer.add(error)
          (answer.direction, answer.payload) = (.failure, writer.bytes)
        }
        try socket.send(answer)
      }
    } catch {
      // The host is gone, or speaks another protocol. Nothing of the plugin is run on the way out.
      _exit(error == .closed ? 0 : 71)
    }
  }

  private static func order(_ message: Message, _ descriptors: [Int32], _ state: RunnerState) throws(PluginError) -> [UInt8] {
    var reader = MessageReader(message.payload), writer = MessageWriter()
    switch message.operation {
    case .start: try start(&reader, &writer, state)
    case .initialize: writer.add(try state.opened().initialize(state.services))
    case .capability: try state.findCapability()
    case .channel:
      guard let descriptor = descriptors.first else { throw PluginError(.invalid, "a channel without a descriptor") }
      let isLine = try known { () throws(ChannelError) in try reader.flag() }
      if isLine { RunnerLine(PacketSocket(descriptor), state).start() } else { RunnerChannel(PacketSocket(descriptor), state).start() }
    case .share:
      let (id, inputs, output) = try known { () throws(ChannelError) in
        (try reader.number(UInt32.self), try reader.size(limit: .max), try reader.size(limit: .max))
      }
      defer { for descriptor in descriptors { close(descriptor) } }
      guard descriptors.count == 2 else { throw PluginError(.invalid, "memory with \(descriptors.count) descriptors") }
      try state.map(id, descriptors, inputs: inputs, output: output)
    case .openFile:
      let (number, size) = try known { () throws(ChannelError) in (try reader.number(UInt64.self), try reader.size(limit: .max)) }
      defer { for descriptor in descriptors { close(descriptor) } }
      guard descriptors.count == 1 else { throw PluginError(.invalid, "a file with \(descriptors.count) descriptors") }
      try state.openFile(number, descriptors[0], size: size)
    case .closeFile: state.closeFile(try known { () throws(ChannelError) in try reader.number(UInt64.self) })
    case .unshare: state.unmap(try known { () throws(ChannelError) in try reader.number(UInt32.self) })
    case .cancel: state.cancel(try known { () throws(ChannelError) in try reader.number(UInt64.self) })
    default: throw PluginError(.invalid, "\(message.operation) on the control socket")
    }
    return writer.bytes
  }

  private static func start(_ reader: inout MessageReader, _ writer: inout MessageWriter, _ state: RunnerState) throws(PluginError) {
    let order = try known { () throws(ChannelError) in try StartOrder(&reader) }
    var status = centram_sandbox_limits(order.memory, order.cpuSeconds, order.descriptors)
    guard status == 0 else { throw PluginError(.inputOutput, "the limits of its process were not set: \(String(cString: strerror(-status)))") }
    let layers = centram_sandbox_before_load(order.profile)
    guard layers > 0 else { throw PluginError(.inputOutput, "the kernel does not confine its process: \(String(cString: strerror(-layers)))") }
    guard let handle = dlopen("/proc/self/fd/\(library)", RTLD_NOW | RTLD_LOCAL | RTLD_NODELETE) else {
      let reason = dlerror().map { String(cString: $0) } ?? "no reason given"
      throw PluginError(.invalid, "the system's loader refuses it: \(reason)")
    }
    status = centram_sandbox_after_load(order.profile)
    guard status == 0 else { throw PluginError(.inputOutput, "the kernel does not confine its process: \(String(cString: strerror(-status)))") }
    var opened = OpenedLibrary(handle: handle)
    if order.entry != nil { try opened.readDescriptor(entry: order.entry) }
    state.services.offered = Set(order.services)
    state.start(opened, PluginKind(rawValue: order.kind), isSwift: order.isSwift, functions: order.functions)
    writer.add(UInt32(layers))
    writer.add(optional: opened.description) { $0.add($1) }
  }

  /// The host's messages are as its own version writes them; another's are refused.
  static func known<Value>(_ body: () throws(ChannelError) -> Value) throws(PluginError) -> Value {
    do throws(ChannelError) { return try body() } catch { throw PluginError(.invalid, "the host's message is not understood: \(error)") }
  }
}

/// What the host wants started, and how confined.
private struct StartOrder {
  let profile: Int32
  let memory: UInt64, cpuSeconds: UInt64, descriptors: UInt64
  let kind: String, entry: String?, isSwift: Bool, services: [String], functions: FunctionTable?

  init(_ reader: inout MessageReader) throws(ChannelError) {
    profile = Int32(bitPattern: try reader.number(UInt32.self))
    (memory, cpuSeconds, descriptors) = (try reader.number(), try reader.number(), try reader.number())
    kind = try reader.text()
    entry = try reader.optional { (it) throws(ChannelError) in try it.text() }
    isSwift = try reader.flag()
    services = try reader.elements(elementSize: 4) { (it) throws(ChannelError) in try it.text() }
    functions = try reader.optional { (it) throws(ChannelError) in try it.functionTable() }
  }
}
