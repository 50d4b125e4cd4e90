// SPDX-License-Identifier: Apache-2.0
import CentramPluginAPI
import Dispatch
import Foundation
import Synchronization

/// Lends tensors so that what an operator does wrong shows: elements that it forgets, writes twice or writes beside a block, and
/// inputs that it did not ask for.
final class SuiteDriver: MergeDriver, @unchecked Sendable {
  struct Plan: Sendable {
    /// Elements a block; for `.rows` rounded to whole rows.
    var blockSize = 61
    var stripes = 3, threads = 1
    /// Lends each block in memory of its own with a known pattern around it.
    var isolatesBlocks = false
    /// Puts NaN in the place of inputs that were not asked for.
    var hidesOthers = false
    /// Fails at this block, counted over all runs.
    var failsAtBlock: Int?
    var protectsInputs = false
  }

  /// What no operator computes: shows what was not written.
  static let unwritten: UInt32 = 0x7fc0_dead

  let plan: Plan
  private let shape: [Int], count: Int, rowLength: Int
  private let inputs: [LentFloats], output: UnsafeMutableBufferPointer<Float>, hidden: UnsafeMutableBufferPointer<Float>
  private let original: [[Float]]
  private let state = Mutex((blocks: 0, writingRuns: 0, runsAfterFailure: 0, hasFailed: false, fault: String?.none))

  init(_ inputs: [[Float]], shape: [Int], plan: Plan = Plan()) {
    (self.plan, self.shape, count, rowLength) = (plan, shape, shape.reduce(1, *), max(1, shape.last ?? 1))
    original = inputs
    self.inputs = inputs.map { LentFloats($0, isProtected: plan.protectsInputs) }
    (output, hidden) = (.allocate(capacity: count + 1), .allocate(capacity: count + 1))
    output.initialize(repeating: Float(bitPattern: Self.unwritten))
    hidden.initialize(repeating: .nan)
  }

  deinit {
    output.deallocate()
    hidden.deallocate()
  }

  var result: [Float] { Array(output[..<count]) }
  var runsAfterFailure: Int { state.withLock { $0.runsAfterFailure } }
  /// Lent so far, over all runs.
  var blocks: Int { state.withLock { $0.blocks } }
  var hasFailed: Bool { state.withLock { $0.hasFailed } }
  /// Whether the inputs are as they were.
  var inputsAreUnchanged: Bool { zip(inputs, original).allSatisfy { lent, values in (0..<values.count).allSatisfy { lent.start[$0].bitPattern == values[$0].bitPattern } } }
  var writingRuns: Int { state.withLock { $0.writingRuns } }

  /// Requires that every element was written and nothing beside a block.
  func requireWhole(_ what: String) throws {
    let missing = (0..<count).filter { output[$0].bitPattern == Self.unwritten }
    try require(
      missing.isEmpty, "every element of the output to be written (\(what))", "\(missing.count) of \(count) were not, the first is \(missing.first ?? 0)")
    if let fault = state.withLock({ $0.fault }) { throw Finding.failed("an operator to stay inside the blocks that it is lent (\(what))", fault) }
  }

  private func length(_ granularity: BlockGranularity) -> Int {
    switch granularity {
    case .any: plan.blockSize
    case .rows: max(1, plan.blockSize / rowLength) * rowLength
    case .whole: max(1, count)
    }
  }

  func stripeCount(_ granularity: BlockGranularity) -> Int { min(plan.stripes, (count + length(granularity) - 1) / length(granularity)) }

  func run(
    _ granularity: BlockGranularity, inputs wanted: [Int]?, writingOutput: Bool,
    _ body: @Sendable (_ stripe: Int, _ block: MergeBlock) throws(PluginError) -> Void
  ) throws(PluginError) {
    if let wrong = wanted?.first(where: { !inputs.indices.contains($0) }) {
      throw PluginError(.invalid, "input \(wrong) was asked for, there are \(inputs.count)")
    }
    state.withLock { state in
      if writingOutput { state.writingRuns += 1 }
      if state.hasFailed { state.runsAfterFailure += 1 }
    }
    let length = length(granularity), blocks = (count + length - 1) / length, stripes = stripeCount(granularity)
    let failure = Mutex<PluginError?>(nil)
    DispatchQueue.concurrentPerform(iterations: min(plan.threads, max(1, stripes))) { thread in
      for turn in stride(from: thread, to: stripes, by: plan.threads) {
        // With threads from the end, so that their order is not that of the tensor.
        let stripe = plan.threads == 1 ? turn : stripes - 1 - turn
        for block in (stripe * blocks / stripes)..<((stripe + 1) * blocks / stripes) {
          if failure.withLock({ $0 != nil }) { return }
          do throws(PluginError) {
            try lend(block * length, min(length, count - block * length), wanted, writingOutput) { (block) throws(PluginError) in try body(stripe, block) }
          } catch { failure.withLock { [error] in if $0 == nil { $0 = error } } }
        }
      }
    }
    if let error = failure.withLock({ $0 }) { throw error }
  }

  private func lend(
    _ offset: Int, _ count: Int, _ wanted: [Int]?, _ writingOutput: Bool, _ body: (MergeBlock) throws(PluginError) -> Void
  ) throws(PluginError) {
    let number = state.withLock { state in
      state.blocks += 1
      return state.blocks
    }
    if let limit = plan.failsAtBlock, number >= limit {
      state.withLock { $0.hasFailed = true }
      throw PluginError(.cancelled, "the suite gave up at block \(number)")
    }
    let pointers = inputs.indices.map { input in
      plan.hidesOthers && wanted.map { !$0.contains(input) } ?? false ? UnsafePointer(hidden.baseAddress! + offset) : UnsafePointer(inputs[input].start + offset)
    }
    let own = plan.isolatesBlocks ? FencedBlock(count) : nil
    let target = own?.start ?? output.baseAddress! + offset
    let result: Result<Void, PluginError> = pointers.withUnsafeBufferPointer { list in
      do throws(PluginError) {
        try body(MergeBlock(offset: offset, count: count, inputs: list.baseAddress!, output: target))
        return .success(())
      } catch { return .failure(error) }
    }
    try result.get()
    guard let own else { return }
    if !own.isIntact { state.withLock { $0.fault = "it wrote beside the block of \(count) elements at \(offset)" } }
    if writingOutput {
      (output.baseAddress! + offset).update(from: own.start, count: count)
    } else if (0..<count).contains(where: { own.start[$0].bitPattern != Self.unwritten }) {
      state.withLock { $0.fault = "it wrote to the output in a reduction, in the block at \(offset)" }
    }
  }
}

/// Elements of a block between two margins of known numbers.
private final class FencedBlock {
  private static let margin = 32
  private let buffer: UnsafeMutableBufferPointer<Float>, count: Int
  init(_ count: Int) {
    self.count = count
    buffer = .allocate(capacity: count + 2 * Self.margin)
    buffer.initialize(repeating: Float(bitPattern: SuiteDriver.unwritten))
  }
  deinit { buffer.deallocate() }
  var start: UnsafeMutablePointer<Float> { buffer.baseAddress! + Self.margin }
  var isIntact: Bool { buffer.indices.allSatisfy { (Self.margin..<Self.margin + count).contains($0) || buffer[$0].bitPattern == SuiteDriver.unwritten } }
}

/// Floats in pages of their own, which may be closed for writing.
private final class LentFloats {
  let start: UnsafeMutablePointer<Float>
  private let pages: UnsafeMutableRawPointer, size: Int

  init(_ values: [Float], isProtected: Bool) {
    let page = Int(sysconf(Int32(_SC_PAGESIZE)))
    size = max(1, (values.count * MemoryLayout<Float>.stride + page - 1) / page) * page
    guard let pages = mmap(nil, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0), pages != MAP_FAILED else {
      preconditionFailure("no memory for \(size) bytes")
    }
    self.pages = pages
    start = pages.assumingMemoryBound(to: Float.self)
    start.update(from: values, count: values.count)
    if isProtected { mprotect(pages, size, PROT_READ) }
  }
  deinit { munmap(pages, size) }
}
