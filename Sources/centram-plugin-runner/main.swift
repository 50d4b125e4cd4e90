import CentramIsolation

PluginRunner.main()
