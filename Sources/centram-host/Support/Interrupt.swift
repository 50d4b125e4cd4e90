internal import Foundation
internal import Synchronization

/// Control-C and termination: the first asks the work to stop and clean up, the second ends the process.
enum Interrupt {
  private static let flag = Atomic<Bool>(false)

  static var isRequested: Bool { flag.load(ordering: .relaxed) }

  /// What was asked to stop has stopped, and the program goes on.
  static func forget() { flag.store(false, ordering: .relaxed) }

  private static func isIgnored(_ action: sigaction) -> Bool {
    unsafeBitCast(action.__sigaction_handler.sa_handler, to: Int.self) == 1  // SIG_IGN
  }

  /// - Parameter endingReads: whether a read of the terminal that waits ends, too.
  static func watch(endingReads: Bool = false) {
    // Whoever started this process may have blocked them.
    var signals = sigset_t()
    sigemptyset(&signals)
    for number in [SIGINT, SIGTERM, SIGHUP] { sigaddset(&signals, number) }
    sigprocmask(SIG_UNBLOCK, &signals, nil)
    for number in [SIGINT, SIGTERM, SIGHUP] {
      // Under nohup the process is to outlive its terminal.
      var action = sigaction()
      if number == SIGHUP, sigaction(number, nil, &action) == 0, isIgnored(action) { continue }
      action = sigaction()
      action.sa_flags = endingReads ? 0 : SA_RESTART
      action.__sigaction_handler.sa_handler = { received in
        if Interrupt.flag.exchange(true, ordering: .relaxed) { _exit(128 + received) }
      }
      sigaction(number, &action, nil)
    }
  }
}
