internal import Foundation
internal import Synchronization

/// Control-C and termination: the first asks the work to stop and clean up, the second ends the process.
enum Interrupt {
  private static let flag = Atomic<Bool>(false)

  static var isRequested: Bool { flag.load(ordering: .relaxed) }

  static func watch() {
    for number in [SIGINT, SIGTERM, SIGHUP] {
      signal(number) { received in
        if Interrupt.flag.exchange(true, ordering: .relaxed) { _exit(128 + received) }
      }
    }
  }
}
