public import CentramBlocks
public import CentramPluginAPI
internal import Synchronization

extension BlockDriver: DrivesParts {
  /// Bytes of float32 blocks that another process is asked to have room for. Larger blocks go through `run`: their memory is the host's.
  static let largestRoom = 32 << 20

  public func plan(_ granularity: BlockGranularity, inputs: [Int]?, writingOutput: Bool) throws(PluginError) -> PartPlan? {
    let wanted = try wanted(inputs, writingOutput: writingOutput)
    let length = min(blockLength(granularity), max(1, count))
    guard length <= Self.largestRoom / MemoryLayout<Float>.stride / (sources.count + 1) else { return nil }
    let encoding = (sink as? any EncodingSink)?.encoding
    guard !writingOutput || encoding != nil else { return nil }
    var stored = [StoredTensor?](repeating: nil, count: sources.count)
    for input in wanted {
      guard let tensor = sources[input].stored else { return nil }
      stored[input] = tensor
    }
    return PartPlan(
      granularity: granularity, length: length, inputs: stored, checking: isFresh, encoding: writingOutput ? encoding : nil, threads: min(stripeCount(granularity), pool.workers))
  }

  public func run(
    _ plan: PartPlan, elements: Int, _ body: @Sendable (_ next: @escaping () throws(PluginError) -> StripePart?) throws(PluginError) -> Void
  ) throws(PluginError) {
    let blocks = blockCount(plan.granularity), stripes = stripeCount(plan.granularity), taken = Atomic<Int>(0)
    let step = max(1, elements / plan.length) * plan.length, failure = Failure()
    withoutActuallyEscaping(body) { body in
      pool.run(pieces: plan.threads) { _, _ in
        var stripe = 0, rest = 0..<0
        do throws(PluginError) {
          try body { () throws(PluginError) -> StripePart? in
            guard !failure.isSet else { return nil }
            guard !self.isCancelled() else { throw PluginError(.cancelled, "the merge was cancelled") }
            while rest.isEmpty {
              stripe = taken.add(1, ordering: .relaxed).oldValue
              guard stripe < stripes else { return nil }
              rest = self.elements(of: stripe, stripes, blocks, plan.length)
            }
            let end = min(rest.lowerBound + step, rest.upperBound)
            defer { rest = end..<rest.upperBound }
            return self.part(stripe, rest.lowerBound..<end, plan)
          }
        } catch {
          failure.set(error)
        }
      }
    }
    if let error = failure.error { throw error }
    didCheck(plan.inputs.indices.filter { plan.inputs[$0] != nil })
  }

  private func part(_ stripe: Int, _ elements: Range<Int>, _ plan: PartPlan) -> StripePart {
    StripePart(stripe: stripe, offset: elements.lowerBound, count: elements.count) { (offset, bytes) throws(PluginError) in
      guard let sink = self.sink as? any EncodingSink else { throw PluginError(.internalFailure, "an output of a pass that has none") }
      do throws(MergeError) { try sink.write(offset: offset, encoded: bytes) } catch { throw self.refused(error) }
      self.didWrite(bytes.count / sink.elementSize)
    } error: { finding in
      self.error(finding, elements, plan)
    }
  }

  private func error(_ finding: PartFinding, _ elements: Range<Int>, _ plan: PartPlan) -> PluginError? {
    switch finding {
    case .nonFinite(let found):
      guard sources.indices.contains(found.input), plan.checking[found.input], plan.inputs[found.input] != nil, elements.contains(found.element) else { return nil }
      var value: Float = 0
      sources[found.input].read(offset: found.element, count: 1, into: &value)
      return value.isFinite ? nil : nonFinite(found)
    case .unfit(let element, let value):
      guard let encoding = plan.encoding, !encoding.permits(value), elements.contains(element) else { return nil }
      return (sink as? any EncodingSink).map { refused($0.refusal(element: element, value: value)) }
    }
  }
}
