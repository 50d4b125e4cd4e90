// Installs a plugin and is killed right after a step, as if somebody pulled the plug: STEP FOLDER SOURCE.
internal import CentramHost
internal import CentramPackaging
internal import Foundation

let step = PluginInstaller.Step(rawValue: CommandLine.arguments[1])
var installer = PluginInstaller(folder: CommandLine.arguments[2], host: HostConfiguration(trust: TrustPolicy(untrusted: .allow)))
installer.didStep = { if $0 == step { kill(getpid(), SIGKILL) } }
do throws(HostError) {
  _ = try installer.install(CommandLine.arguments[3], replaces: true)
} catch {
  FileHandle.standardError.write(Data("\(error.message)\n".utf8))
  exit(1)
}
