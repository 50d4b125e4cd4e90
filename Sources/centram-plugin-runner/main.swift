internal import CRunnerShim
internal import CentramIsolation

PluginRunner.main()
