import CentramModel
import Foundation

print("placeholder")
