import CentramHost
import CentramPluginAPI
import Testing

@Suite struct SwiftLaneTests {
  @Test func loadsABareSwiftPluginFromTheExecutablesFolderAndRunsIt() throws {
    let host = Built.host()
    let linear = try host.mergeOperator("merge.linear")
    #expect(try linear.merged(LendingDriver([[1, 2], [3, 6]]), weights: [1, 3], shared: ["normalize": .boolean(true)]) == [2.5, 5])
    #expect(host.snapshot().best(id: "merge.linear")?.state == .running)
    #expect(try host.resolve(kind: .mergeOperator, name: "linear").title == "merge.linear 1.0.0")
  }
}
