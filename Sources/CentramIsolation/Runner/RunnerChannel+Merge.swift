internal import CentramPluginAPI
internal import Synchronization

/// The passes under way in this process, by number: blocks of one pass arrive on several channels.
final class RunnerRuns: Sendable {
  typealias Body = @Sendable (_ stripe: Int, _ block: MergeBlock) throws(PluginError) -> Void
  /// A body on the stack of who runs the pass. It stays until the last block was answered.
  struct Entry: @unchecked Sendable { let body: UnsafePointer<Body> }

  private let entries = Mutex<(next: UInt32, open: [UInt32: Entry])>((1, [:]))

  func open(_ entry: Entry) -> UInt32 {
    entries.withLock { entries in
      defer { entries.next &+= 1 }
      entries.open[entries.next] = entry
      return entries.next
    }
  }
  func close(_ id: UInt32) { entries.withLock { _ = $0.open.removeValue(forKey: id) } }
  func entry(_ id: UInt32) -> Entry? { entries.withLock { $0.open[id] } }
}

extension RunnerChannel {
  func merge(_ merging: any TensorMerging, _ id: UInt64, _ reader: inout MessageReader) throws(PluginError) {
    let request = try PluginRunner.known { () throws(ChannelError) in
      let tensor = try reader.text(limit: Message.sizeLimit)
      let shape = try reader.elements(elementSize: 8) { (it) throws(ChannelError) in try it.size(limit: .max) }
      let models = try reader.elements(elementSize: 4) { (it) throws(ChannelError) in try it.text(limit: Message.sizeLimit) }
      let base = try reader.number(Int32.self), parameters = try reader.parameters(), seed: UInt64 = try reader.number()
      let hasMasks = try reader.flag()
      let stripes = (Int(try reader.number(UInt32.self)), Int(try reader.number(UInt32.self)), Int(try reader.number(UInt32.self)))
      return MergeRequest(
        tensor: tensor, shape: shape, models: models, baseIndex: base < 0 ? nil : Int(base), parameters: parameters, seed: seed,
        masks: hasMasks ? RemoteMasks(services: state.services, merge: id, models: models) : nil, driver: RemoteDriver(channel: self, stripes: stripes))
    }
    try merging.merge(request)
  }

  /// Some blocks of a pass that another channel runs.
  func blocks(_ reader: inout MessageReader) throws(PluginError) {
    let run: UInt32, stripe: Int, shared: RunnerState.Shared, offset: Int, count: Int, length: Int, places: [UInt64], output: Int
    let memory: UInt32
    do throws(ChannelError) {
      (run, stripe, memory) = (try reader.number(), Int(try reader.number(UInt32.self)), try reader.number())
      (offset, count, length) = (try reader.size(limit: .max), try reader.size(limit: .max), try reader.size(limit: .max))
      places = try reader.elements(elementSize: 8) { (it) throws(ChannelError) in try it.number() }
      output = try reader.size(limit: .max)
    } catch { throw PluginError(.invalid, "blocks are not understood: \(error)") }
    shared = try state.shared(memory)
    guard let entry = state.runs.entry(run) else { throw PluginError(.invalid, "there is no pass \(run)") }
    let (bytes, overflows) = count.multipliedReportingOverflow(by: MemoryLayout<Float>.stride)
    guard !overflows, length > 0, bytes <= shared.output.count, output <= shared.output.count - bytes, bytes <= shared.inputs.count,
      places.allSatisfy({ $0 == .max || $0 <= UInt64(shared.inputs.count - bytes) }), let target = shared.output.baseAddress, let first = shared.inputs.baseAddress
    else { throw PluginError(.invalid, "blocks of \(count) elements lie outside of their memory") }
    let floats = (target + output).assumingMemoryBound(to: Float.self)
    let failure = withUnsafeTemporaryAllocation(of: UnsafePointer<Float>.self, capacity: max(1, places.count)) { pointers -> PluginError? in
      guard let inputs = pointers.baseAddress else { return PluginError(.internalFailure, "no memory for a block") }
      inputs.initialize(to: UnsafePointer(floats))
      for start in stride(from: 0, to: max(1, count), by: length) {
        for (index, place) in places.enumerated() {
          // An input that was not asked for may not be read; it has an address all the same.
          let address = place == .max ? UnsafeRawPointer(floats) : first + Int(place) + start * MemoryLayout<Float>.stride
          inputs[index] = address.assumingMemoryBound(to: Float.self)
        }
        let block = MergeBlock(offset: offset + start, count: min(length, count - start), inputs: UnsafePointer(inputs), output: floats + start)
        do throws(PluginError) { try entry.body.pointee(stripe, block) } catch { return error }
      }
      return nil
    }
    if let failure { throw failure }
  }
}

/// The host's driver, seen from the plugin's process.
private struct RemoteDriver: MergeDriver {
  let channel: RunnerChannel
  let stripes: (any: Int, rows: Int, whole: Int)

  func stripeCount(_ granularity: BlockGranularity) -> Int {
    switch granularity {
    case .any: stripes.any
    case .rows: stripes.rows
    case .whole: stripes.whole
    }
  }

  func run(
    _ granularity: BlockGranularity, inputs: [Int]?, writingOutput: Bool, _ body: @Sendable (Int, MergeBlock) throws(PluginError) -> Void
  ) throws(PluginError) {
    let runs = channel.state.runs
    let outcome = withoutActuallyEscaping(body) { body -> Result<Void, PluginError> in
      withUnsafePointer(to: body) { pointer in
        let id = runs.open(RunnerRuns.Entry(body: pointer))
        defer { runs.close(id) }
        var writer = MessageWriter()
        writer.add(id)
        writer.add(granularity.rawValue)
        writer.add(optional: inputs) { $0.add($1) { $0.add(UInt32(clamping: $1)) } }
        writer.add(writingOutput)
        do throws(PluginError) {
          try channel.ask(.run, writer.bytes) { (_) throws(ChannelError) in }
          return .success(())
        } catch { return .failure(error) }
      }
    }
    try outcome.get()
  }
}

/// The caller's masks; they may be asked for from within a block, so they come over the services' socket.
private struct RemoteMasks: MaskProvider {
  static let part = 1 << 20
  let services: RunnerServices
  let merge: UInt64
  let models: [String]

  func fill(_ mask: UnsafeMutableBufferPointer<UInt8>, tensor: String, model: String, offset: Int) -> Bool {
    guard let input = models.firstIndex(of: model) else { return false }
    var done = 0
    repeat {
      let count = min(Self.part, mask.count - done)
      var writer = MessageWriter()
      writer.add(merge)
      writer.add(UInt32(input))
      writer.add(UInt64(offset + done))
      writer.add(UInt64(count))
      let filled = try? services.ask(.mask, writer.bytes) { (it) throws(ChannelError) in try it.flag() ? try it.list() : nil }
      guard let bytes = filled ?? nil, bytes.count == count else { return false }
      for (index, byte) in bytes.enumerated() { mask[done + index] = byte }
      done += count
    } while done < mask.count
    return true
  }
}
