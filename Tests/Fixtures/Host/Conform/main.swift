// What `centram-host plugin conform REQUEST` does, for tests that have no such executable yet: it may die of a bad library.
internal import CentramHost
internal import CentramPluginTesting
internal import Foundation

exit(await ConformanceChild.run(CommandLine.arguments[CommandLine.arguments.count - 1], trust: TrustPolicy()))
