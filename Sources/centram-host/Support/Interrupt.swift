internal import Foundation
internal import Synchronization

/// Control-C and termination: the first asks the work to stop and clean up, the second ends the process.
enum Interrupt {
  private static let flag = Atomic<Bool>(false)

  static var isRequested: Bool { flag.load(ordering: .relaxed) }

  private static func isIgnored(_ action: sigaction) -> Bool {
    unsafeBitCast(action.__sigaction_handler.sa_handler, to: Int.self) == 1  // SIG_IGN
  }

  static func watch() {
    // Whoever started this process may have blocked them.
    var signals = sigset_t()
    sigemptyset(&signals)
    for number in [SIGINT, SIGTERM, SIGHUP] { sigaddset(&signals, number) }
    sigprocmask(SIG_UNBLOCK, &signals, nil)
    for number in [SIGINT, SIGTERM, SIGHUP] {
      // Under nohup the process is to outlive its terminal.
      var action = sigaction()
      if number == SIGHUP, sigaction(number, nil, &action) == 0, isIgnored(action) { continue }
      signal(number) { received in
        if Interrupt.flag.exchange(true, ordering: .relaxed) { _exit(128 + received) }
      }
    }
  }
}
