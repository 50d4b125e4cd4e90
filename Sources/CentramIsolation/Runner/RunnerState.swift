internal import CSandbox
internal import CentramLanes
internal import CentramPluginAPI
internal import Glibc
internal import Synchronization

/// What the threads of a plugin's process share.
final class RunnerState: Sendable {
  enum Instance: Sendable {
    case merge(any MergeOperator), gate(any GateLayer), economy(any EconomyRule), trainer(any Trainer), transport(any Transport)
  }

  /// Memory of the host's: a part to read and a part to write.
  struct Shared: @unchecked Sendable {
    let inputs: UnsafeRawBufferPointer
    let output: UnsafeMutableRawBufferPointer
    /// The output's memory once more, for reading only.
    let view: UnsafeRawBufferPointer
  }

  private struct Mapped: @unchecked Sendable { let bytes: UnsafeRawBufferPointer }

  private struct State {
    var opened: OpenedLibrary?, kind = PluginKind(rawValue: ""), isSwift = false, functions: FunctionTable?
    var capability: Capability?
    var next: UInt32 = 1
    var instances: [UInt32: Instance] = [:]
    var shared: [UInt32: Shared] = [:]
    var files: [UInt64: Mapped] = [:]
    var cancellations: [UInt64: @Sendable () -> Void] = [:], cancelled: Set<UInt64> = []
  }

  let services: RunnerServices
  let runs = RunnerRuns()
  private let state = Mutex(State())

  init(_ services: RunnerServices) { self.services = services }

  func start(_ opened: OpenedLibrary, _ kind: PluginKind, isSwift: Bool, functions: FunctionTable?) {
    state.withLock { ($0.opened, $0.kind, $0.isSwift, $0.functions) = (opened, kind, isSwift, functions) }
  }

  func opened() throws(PluginError) -> OpenedLibrary {
    guard let opened = state.withLock({ $0.opened }) else { throw PluginError(.invalid, "no library is loaded") }
    return opened
  }

  func findCapability() throws(PluginError) {
    let opened = try opened(), (kind, isSwift, functions) = state.withLock { ($0.kind, $0.isSwift, $0.functions) }
    let capability = try opened.capability(kind, isSwift: isSwift, functions: functions)
    guard capability.kind == kind else { throw PluginError(.invalid, "its interface is a \(capability.kind), not a \(kind)") }
    state.withLock { $0.capability = capability }
  }

  /// Makes an instance and writes what it says of itself.
  func create(_ configurationJSON: String, _ writer: inout MessageWriter) throws(PluginError) {
    let environment = PluginEnvironment(services: services, configurationJSON: configurationJSON)
    guard let capability = state.withLock({ $0.capability }) else { throw PluginError(.invalid, "no interface was asked for") }
    var info = MessageWriter()
    let instance: Instance
    switch capability {
    case .mergeOperator(let make):
      let made = try make(environment)
      var abilities: MergeAbilities = made is any TensorMerging ? .tensors : []
      if made is any AdapterMerging { abilities.insert(.adapters) }
      if made is any AdapterExtracting { abilities.insert(.extraction) }
      info.add(made.info, abilities)
      instance = .merge(made)
    case .gateLayer(let make):
      let made = try make(environment)
      info.add(made.info)
      instance = .gate(made)
    case .economyRule(let make): instance = .economy(try make(environment))
    case .trainer(let make):
      let made = try make(environment)
      info.add(made.info.parameters)
      instance = .trainer(made)
    case .transport(let make):
      let made = try make(environment)
      info.add(made.info.scheme)
      info.add(made.info.features.rawValue)
      instance = .transport(made)
    default: throw PluginError(.unsupported, "a \(capability.kind) cannot run in a process of its own yet")
    }
    let id = state.withLock { state in
      defer { state.next &+= 1 }
      state.instances[state.next] = instance
      return state.next
    }
    writer.add(id)
    writer.append(info)
  }

  func instance(_ id: UInt32) throws(PluginError) -> Instance {
    guard let instance = state.withLock({ $0.instances[id] }) else { throw PluginError(.invalid, "there is no instance \(id)") }
    return instance
  }

  func release(_ ids: [UInt32]) {
    // Let go outside of the lock: a plugin's own code runs then.
    let gone = state.withLock { state in ids.compactMap { state.instances.removeValue(forKey: $0) } }
    withExtendedLifetime(gone) {}
  }

  // MARK: Memory

  func map(_ id: UInt32, _ descriptors: [Int32], inputs: Int, output: Int) throws(PluginError) {
    guard let first = centram_map_shared(descriptors[0], inputs, Int32(CENTRAM_SHARE_READ)),
      let second = centram_map_shared(descriptors[1], output, Int32(CENTRAM_SHARE_WRITE)), let view = centram_map_shared(descriptors[1], output, Int32(CENTRAM_SHARE_READ))
    else { throw PluginError(.limitExceeded, "\(inputs) and \(output) bytes of the host's memory were not mapped: \(String(cString: strerror(errno)))") }
    let shared = Shared(
      inputs: UnsafeRawBufferPointer(start: first, count: inputs), output: UnsafeMutableRawBufferPointer(start: second, count: output),
      view: UnsafeRawBufferPointer(start: view, count: output))
    state.withLock { $0.shared[id] = shared }
  }

  func unmap(_ id: UInt32) {
    guard let shared = state.withLock({ $0.shared.removeValue(forKey: id) }) else { return }
    munmap(UnsafeMutableRawPointer(mutating: shared.inputs.baseAddress), shared.inputs.count)
    munmap(shared.output.baseAddress, shared.output.count)
    munmap(UnsafeMutableRawPointer(mutating: shared.view.baseAddress), shared.view.count)
  }

  func shared(_ id: UInt32) throws(PluginError) -> Shared {
    guard let shared = state.withLock({ $0.shared[id] }) else { throw PluginError(.invalid, "there is no shared memory \(id)") }
    return shared
  }

  func openFile(_ number: UInt64, _ descriptor: Int32, size: Int) throws(PluginError) {
    guard let start = centram_map_shared(descriptor, size, Int32(CENTRAM_SHARE_READ)) else {
      throw PluginError(.limitExceeded, "\(size) bytes of a model file were not mapped: \(String(cString: strerror(errno)))")
    }
    let file = Mapped(bytes: UnsafeRawBufferPointer(start: start, count: size))
    state.withLock { $0.files[number] = file }
  }

  func closeFile(_ number: UInt64) {
    guard let file = state.withLock({ $0.files.removeValue(forKey: number) }) else { return }
    munmap(UnsafeMutableRawPointer(mutating: file.bytes.baseAddress), file.bytes.count)
  }

  func file(_ number: UInt64) throws(PluginError) -> UnsafeRawBufferPointer {
    guard let file = state.withLock({ $0.files[number] }) else { throw PluginError(.invalid, "there is no file \(number)") }
    return file.bytes
  }

  // MARK: Cancellation

  func onCancel(_ id: UInt64, _ body: @escaping @Sendable () -> Void) {
    let isLate = state.withLock { state in
      state.cancellations[id] = body
      return state.cancelled.remove(id) != nil
    }
    if isLate { body() }
  }

  func forgetCancel(_ id: UInt64) { state.withLock { _ = $0.cancellations.removeValue(forKey: id) } }

  /// The caller gave up, perhaps before the call arrived.
  func cancel(_ id: UInt64) {
    let body = state.withLock { state in
      // A call that has ended already leaves its number here; they are few, and thrown away when they are not.
      if state.cancelled.count >= 4096 { state.cancelled = [] }
      if state.cancellations[id] == nil { state.cancelled.insert(id) }
      return state.cancellations[id]
    }
    body?()
  }
}
