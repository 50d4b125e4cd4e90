import CentramHost
import CentramPluginAPI
import Testing

@Suite struct CServicesTests {
  private struct FixedClock: ClockService {
    var unixMilliseconds: Int64 { 1234 }
    var monotonicNanoseconds: UInt64 { 5678 }
  }
  private struct FixedRandom: RandomService {
    func fill(_ bytes: UnsafeMutableRawBufferPointer) { for index in bytes.indices { bytes[index] = 42 } }
  }

  @Test func aPluginReadsTheHostsClockAndRandomnessAndLogsUnderItsName() throws {
    let log = LogCollector()
    let services = DefaultHostServices(services: ["centram.clock/1": FixedClock(), "centram.random/1": FixedRandom()], log: log.services.log)
    let host = try Workshop.host(fixture: "merge", id: "test.merge.center", kind: .mergeOperator, services: services)
    try host.load(id: "test.merge.center")
    #expect(log.all == ["info test.merge.center: milliseconds 1234, nanoseconds 5678, byte 42"])
  }

  @Test func theDefaultClockGoesOnAndTheDefaultRandomnessDiffers() {
    let clock = SystemClock(), random = SystemRandom()
    #expect(clock.unixMilliseconds > 1_600_000_000_000)
    let start = clock.monotonicNanoseconds
    #expect(clock.monotonicNanoseconds >= start)
    var a = [UInt8](repeating: 0, count: 600), b = a
    a.withUnsafeMutableBytes { random.fill($0) }
    b.withUnsafeMutableBytes { random.fill($0) }
    #expect(a != b && a.suffix(16) != [UInt8](repeating: 0, count: 16)[...])
  }
}
