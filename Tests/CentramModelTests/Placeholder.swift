import Testing
@Suite struct PlaceholderModel { @Test func builds() { #expect(Bool(true)) } }
