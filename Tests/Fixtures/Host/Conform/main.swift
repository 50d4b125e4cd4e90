// What `centram-host plugin conform REQUEST` does, for tests that have no such executable yet: it may die of a bad library. A key in
// hexadecimal digits before the request is trusted with ids that begin with `test.`.
internal import CentramHost
internal import CentramPluginTesting

var trust = TrustPolicy()
if CommandLine.arguments.count == 3 {
  let digits = Array(CommandLine.arguments[1])
  let key = stride(from: 0, to: digits.count - 1, by: 2).map { UInt8(String(digits[$0...($0 + 1)]), radix: 16) ?? 0 }
  trust.publishers = [.init(name: "test", key: key, ids: ["test.*"])]
}
ConformanceChild.main(CommandLine.arguments[CommandLine.arguments.count - 1], trust: trust)
