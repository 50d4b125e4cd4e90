internal import CentramIsolation
internal import CentramNode

extension HostOptions {
  /// What runs plugins in processes of their own; nil where its program is not found.
  static func isolation(_ settings: IsolationSettings, executableFolder: String) -> ProcessIsolation? {
    guard let runner = ProcessIsolation.runner(named: settings.runner, executableFolder: executableFolder) else { return nil }
    var configuration = IsolationConfiguration(runner: runner)
    if let memory = settings.memoryMiB { configuration.memoryBytes = UInt64(memory) << 20 }
    if let seconds = settings.cpuSeconds { configuration.cpuSeconds = UInt64(seconds) }
    configuration.callSeconds.merge(settings.callSeconds) { $1 }
    if let exportsSeed = settings.exportsSeed { configuration.exportsSeed = exportsSeed }
    return ProcessIsolation(configuration)
  }
}
