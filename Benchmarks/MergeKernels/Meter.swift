import Foundation
import Synchronization

/// CPU time, wall time and peak heap from its making on.
final class Meter: Sendable {
  private let start = Meter.cpuSeconds(), wall = ContinuousClock.now
  private let before = Meter.heap()
  private let peak = Atomic<Int>(0)

  init() {
    let sampler = Thread { [weak self] in
      while let self {
        let heap = Meter.heap()
        if heap > self.peak.load(ordering: .relaxed) { self.peak.store(heap, ordering: .relaxed) }
        usleep(10_000)
      }
    }
    sampler.start()
  }

  func report(_ name: String, elements: Int) -> String {
    let cpu = Meter.cpuSeconds() - start, passed = (ContinuousClock.now - wall) / .seconds(1)
    let heap = Double(max(0, peak.load(ordering: .relaxed) - before)) / 1e6
    return String(
      format: "%@: %d elements, %.2f ns an element, %.2f CPU s, %.2f s, heap %.1f MB", name, elements,
      cpu / Double(elements) * 1e9, cpu, passed, heap)
  }

  private static func cpuSeconds() -> Double {
    var usage = rusage()
    getrusage(__rusage_who_t(RUSAGE_SELF.rawValue), &usage)
    func seconds(_ time: timeval) -> Double { Double(time.tv_sec) + Double(time.tv_usec) * 1e-6 }
    return seconds(usage.ru_utime) + seconds(usage.ru_stime)
  }

  /// Bytes of anonymous memory.
  private static func heap() -> Int {
    guard let status = try? String(contentsOfFile: "/proc/self/status", encoding: .utf8),
      let line = status.split(separator: "\n").first(where: { $0.hasPrefix("RssAnon") })
    else { return 0 }
    return (Int(line.filter(\.isNumber)) ?? 0) * 1024
  }
}
