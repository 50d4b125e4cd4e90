// What `centram-host plugin describe FILE` does, for tests that have no such executable yet: it may die of a bad library.
internal import CentramHost
internal import CentramPackaging
internal import Foundation

do throws(HostError) {
  print(try PluginPackager.describe(CommandLine.arguments[CommandLine.arguments.count - 1]).json)
} catch {
  FileHandle.standardError.write(Data("\(error.message)\n".utf8))
  exit(1)
}
