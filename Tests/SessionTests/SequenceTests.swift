import CentramPluginTesting
import CentramWire
import Testing

@testable import CentramNode

@Suite struct SequenceTests {
  /// Against a set of all numbers that ever came.
  @Test(arguments: UInt64(1)...20) func takesEveryNumberOnce(seed: UInt64) {
    let random = SimulationRandom(seed: seed)
    var check = SequenceCheck(), taken: Set<UInt64> = [], control: UInt64 = 0, highestOther: UInt64 = 0
    for _ in 0..<4_000 {
      let base = max(control, highestOther), back = UInt64(random.integer(in: 0...1_500))
      let number = random.integer(in: 0...3) == 0 ? base + UInt64(random.integer(in: 1...2_000)) : base > back ? base - back : 0
      if random.integer(in: 0...1) == 0 {
        let isNew = number > control && !taken.contains(number)
        // What the window forgot cannot come on the control stream again, for its numbers rise past it.
        if isNew == check.acceptControl(number), isNew {
          control = number
          taken.insert(number)
        } else if isNew {
          Issue.record("seed \(seed): refused \(number)")
        }
      } else if check.acceptOther(number) {
        #expect(number > 0 && !taken.contains(number), "seed \(seed): \(number) came twice")
        taken.insert(number)
        highestOther = max(highestOther, number)
      }
      #expect(check.contiguous == control)
    }
  }

  @Test func theWindowEndsWhereItSays() {
    var check = SequenceCheck()
    let others = [2_000, 2_000 - SequenceCheck.window + 1, 2_000 - SequenceCheck.window, 2_000, 0].map { check.acceptOther($0) }
    #expect(others == [true, true, false, false, false])
    let once = [check.acceptControl(1_500), check.acceptControl(1_500), check.acceptOther(1_500)]
    #expect(once == [true, false, false])
  }

  @Test func theOutboxKeepsWhatIsNotAcknowledged() {
    var outbox = Outbox()
    for sequence in [3, 5, 9] as [UInt64] { outbox.append([UInt8](repeating: 0, count: Int(sequence)), WirePing(), sequence: sequence) }
    outbox.acknowledge(upTo: 4)
    #expect(outbox.entries.map(\.sequence) == [5, 9] && outbox.bytes == 14)
    outbox.acknowledge(upTo: 2)
    #expect(outbox.count == 2)
    outbox.acknowledge(upTo: 100)
    #expect(outbox.isEmpty && outbox.bytes == 0)
    #expect(outbox.limit(adding: 10, Limits([.outboxBytes: 10])) == nil && outbox.limit(adding: 11, Limits([.outboxBytes: 10])) == .outboxBytes)
  }
}
