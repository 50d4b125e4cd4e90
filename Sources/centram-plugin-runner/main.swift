internal import CRunnerShim
internal import CentramIsolation

centram_runner_answer_for_threads()
PluginRunner.main()
