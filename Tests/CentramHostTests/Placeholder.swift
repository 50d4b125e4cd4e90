import Testing
@Suite struct PlaceholderHost { @Test func builds() { #expect(Bool(true)) } }
