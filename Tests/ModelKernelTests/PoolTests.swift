import CModelKernels
import Foundation
import Synchronization
import Testing

@Suite struct PoolTests {
  final class Counts: Sendable {
    let calls = (0..<8).map { _ in Atomic64() }
    let wrong = Atomic64()
  }
  final class Atomic64: Sendable {
    let value = Atomic<Int>(0)
  }

  @Test(arguments: [1, 2, 3, 8]) func makesEveryCallOnceEachRun(threads: Int32) {
    let pool = Pool(threads), counts = Counts()
    #expect(mk_pool_threads(pool.handle) == threads)
    for _ in 0..<3000 {
      mk_pool_run(
        pool.handle,
        { context, thread, threads in
          let counts = Unmanaged<Counts>.fromOpaque(context!).takeUnretainedValue()
          if thread >= threads { counts.wrong.value.add(1, ordering: .relaxed) }
          counts.calls[Int(thread)].value.add(1, ordering: .relaxed)
        }, Unmanaged.passUnretained(counts).toOpaque())
    }
    #expect(counts.wrong.value.load(ordering: .relaxed) == 0)
    for (i, call) in counts.calls.enumerated() { #expect(call.value.load(ordering: .relaxed) == (i < threads ? 3000 : 0)) }
  }

  @Test func runsOnTheCallerWithoutAPool() {
    let counts = Counts()
    mk_pool_run(
      nil, { context, thread, threads in Unmanaged<Counts>.fromOpaque(context!).takeUnretainedValue().calls[Int(thread + threads)].value.add(1, ordering: .relaxed) },
      Unmanaged.passUnretained(counts).toOpaque())
    #expect(counts.calls.map { $0.value.load(ordering: .relaxed) } == [0, 1, 0, 0, 0, 0, 0, 0])
    #expect(mk_pool_threads(nil) == 1)
  }

  @Test func refusesNumbersOfThreadsThatMakeNoSense() {
    #expect(mk_pool_create(0) == nil && mk_pool_create(-1) == nil && mk_pool_create(5000) == nil)
    mk_pool_destroy(nil)
  }

  @Test func aForcedLevelIsThatOfItsThreadAndOfThePoolsThatWorkForIt() {
    let pool = Pool(3), counts = Counts()
    func levelsInPool() -> Set<Int> {
      mk_pool_run(
        pool.handle, { context, thread, _ in Unmanaged<Counts>.fromOpaque(context!).takeUnretainedValue().calls[Int(thread)].value.store(Int(mk_level()), ordering: .relaxed) },
        Unmanaged.passUnretained(counts).toOpaque())
      return Set(counts.calls[..<3].map { $0.value.load(ordering: .relaxed) })
    }
    let best = Int(mk_level())
    for level in levels {
      let found = atLevel(level) { () -> (mine: Set<Int>, other: Int) in
        let other = Atomic64()
        let thread = Thread { other.value.store(Int(mk_level()) + 1, ordering: .releasing) }
        thread.start()
        while other.value.load(ordering: .acquiring) == 0 { sched_yield() }
        return (levelsInPool(), other.value.load(ordering: .relaxed) - 1)
      }
      #expect(found.mine == [Int(level)] && found.other == best)
      #expect(levelsInPool() == [best])
    }
  }

  @Test func refusesALevelThatDoesNotExist() {
    #expect(mk_force_level(1) == 0 && mk_force_level(4) == 0)
    if !levels.contains(Int32(MK_AVX512)) { #expect(mk_force_level(Int32(MK_AVX512)) == 0) }
  }
}
