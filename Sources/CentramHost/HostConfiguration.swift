public import CentramLanes

/// Where a host looks for plugins and what it takes. Values only: the executable reads arguments and environment.
public struct HostConfiguration: Sendable {
  /// Folders of plugins that were named explicitly; looked at first, in this order.
  public var folders: [String]
  /// The value of `CENTRAM_PLUGIN_PATH`: folders with colons between them.
  public var pluginPath: String
  /// The folder of the running executable; its `../lib/centram/plugins` and itself are looked at last. Nil: neither.
  public var executableFolder: String?
  public var trust: TrustPolicy
  /// Ids that are not to be used.
  public var disabled: Set<String>
  /// How many versions of one id may be loaded in the life of a process, for none is ever unloaded.
  public var versionLimit: Int
  /// Runs plugins in processes of their own; nil: those that must are refused.
  public var isolation: (any PluginIsolation)?

  public init(
    folders: [String] = [], pluginPath: String = "", executableFolder: String? = nil, trust: TrustPolicy = TrustPolicy(),
    disabled: Set<String> = [], versionLimit: Int = 16, isolation: (any PluginIsolation)? = nil
  ) {
    (self.folders, self.pluginPath, self.executableFolder) = (folders, pluginPath, executableFolder)
    (self.trust, self.disabled, self.versionLimit, self.isolation) = (trust, disabled, versionLimit, isolation)
  }
}
