import CentramPluginAPI
import Foundation
import Synchronization

/// Runs the stripes of arrays on threads of its own, in an order that varies: a second opinion on what may not depend
/// on scheduling.
final class ThreadedDriver: MergeDriver, @unchecked Sendable {
  private let inputs: [UnsafeMutablePointer<Float>]
  private let output: UnsafeMutablePointer<Float>
  private let count: Int, rowLength: Int, blockSize: Int, threads: Int
  static let stripes = 16

  init(_ inputs: [[Float]], shape: [Int], blockSize: Int, threads: Int) {
    (count, rowLength) = (shape.reduce(1, *), max(1, shape.last ?? 1))
    (self.blockSize, self.threads) = (blockSize, threads)
    self.inputs = inputs.map { values in
      let pointer = UnsafeMutablePointer<Float>.allocate(capacity: values.count)
      pointer.initialize(from: values, count: values.count)
      return pointer
    }
    output = .allocate(capacity: count)
    output.initialize(repeating: .nan, count: count)
  }

  deinit {
    inputs.forEach { $0.deallocate() }
    output.deallocate()
  }

  var result: [Float] { Array(UnsafeBufferPointer(start: output, count: count)) }

  private func length(_ granularity: BlockGranularity) -> Int {
    granularity == .any ? blockSize : max(1, blockSize / rowLength) * rowLength
  }

  func stripeCount(_ granularity: BlockGranularity) -> Int {
    min(Self.stripes, (count + length(granularity) - 1) / length(granularity))
  }

  func run(
    _ granularity: BlockGranularity, inputs wanted: [Int]?, writingOutput: Bool,
    _ body: @Sendable (Int, MergeBlock) throws(PluginError) -> Void
  ) throws(PluginError) {
    let length = length(granularity), stripes = stripeCount(granularity), blocks = (count + length - 1) / length
    let failure = Mutex<PluginError?>(nil), next = Mutex(0)
    nonisolated(unsafe) let (inputs, output) = (inputs, output)
    let count = count
    withoutActuallyEscaping(body) { body in
      let work: @Sendable () -> Void = {
        while true {
          let turn = next.withLock { turn in
            turn += 1
            return turn - 1
          }
          if turn >= stripes { return }
          let stripe = turn % 2 == 0 ? turn / 2 : stripes - 1 - turn / 2
          for block in (stripe * blocks / stripes)..<((stripe + 1) * blocks / stripes) {
            let offset = block * length
            let pointers = inputs.map { UnsafePointer($0 + offset) }
            pointers.withUnsafeBufferPointer { list in
              do throws(PluginError) {
                try body(stripe, MergeBlock(offset: offset, count: min(length, count - offset), inputs: list.baseAddress!, output: output + offset))
              } catch { failure.withLock { [error] in $0 = error } }
            }
          }
        }
      }
      // One is the caller's own, with the instruction set that it forced.
      if threads == 1 { work() } else { DispatchQueue.concurrentPerform(iterations: threads) { _ in work() } }
    }
    if let error = failure.withLock({ $0 }) { throw error }
  }
}
