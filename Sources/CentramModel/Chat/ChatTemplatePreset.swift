/// Formats of conversations that models share, for those that come without a template.
public enum ChatTemplatePreset: String, Sendable, CaseIterable {
  case alpaca, chatml, exaone, llama3, mistral

  /// The format that the models named after it were trained with, written in Jinja for transformers' `apply_chat_template`.
  /// `bos_token` and `eos_token` are the tokenizer's.
  public var source: String {
    switch self {
    case .alpaca: Self.alpacaText
    case .chatml: Self.chatmlText
    case .exaone: Self.exaoneText
    case .llama3: Self.llama3Text
    case .mistral: Self.mistralText
    }
  }

  /// Stanford Alpaca: an instruction and a response under headings, the preamble in front unless a system message replaces it.
  private static let alpacaText = """
    {%- if messages and messages[0]['role'] == 'system' -%}
    {{- messages[0]['content'] | trim + '\\n\\n' -}}
    {%- else -%}
    {{- 'Below is an instruction that describes a task. Write a response that appropriately completes the request.\\n\\n' -}}
    {%- endif -%}
    {%- for message in messages -%}
    {%- if message['role'] == 'user' -%}
    {{- '### Instruction:\\n' + message['content'] | trim + '\\n\\n' -}}
    {%- elif message['role'] == 'assistant' -%}
    {{- '### Response:\\n' + message['content'] | trim + eos_token + '\\n\\n' -}}
    {%- endif -%}
    {%- endfor -%}
    {%- if add_generation_prompt -%}
    {{- '### Response:\\n' -}}
    {%- endif -%}
    """

  /// OpenAI's ChatML, as Qwen and many fine-tunes use it.
  private static let chatmlText = """
    {%- for message in messages -%}
    {{- '<|im_start|>' + message['role'] + '\\n' + message['content'] + '<|im_end|>\\n' -}}
    {%- endfor -%}
    {%- if add_generation_prompt -%}
    {{- '<|im_start|>assistant\\n' -}}
    {%- endif -%}
    """

  /// LG's EXAONE 3: a user's turn ends with a newline, every other one with a token; an empty system turn opens a talk without one.
  private static let exaoneText = """
    {%- if messages and messages[0]['role'] != 'system' -%}
    {{- '[|system|][|endofturn|]\\n' -}}
    {%- endif -%}
    {%- for message in messages -%}
    {{- '[|' + message['role'] + '|]' + message['content'] -}}
    {%- if message['role'] == 'user' -%}
    {{- '\\n' -}}
    {%- else -%}
    {{- '[|endofturn|]\\n' -}}
    {%- endif -%}
    {%- endfor -%}
    {%- if add_generation_prompt -%}
    {{- '[|assistant|]' -}}
    {%- endif -%}
    """

  /// Meta's Llama 3.
  private static let llama3Text = """
    {{- bos_token -}}
    {%- for message in messages -%}
    {{- '<|start_header_id|>' + message['role'] + '<|end_header_id|>\\n\\n' + message['content'] | trim + '<|eot_id|>' -}}
    {%- endfor -%}
    {%- if add_generation_prompt -%}
    {{- '<|start_header_id|>assistant<|end_header_id|>\\n\\n' -}}
    {%- endif -%}
    """

  /// Mistral 7B Instruct: the system message stands in front of the first user's, the assistant's turns end with `eos_token`.
  private static let mistralText = """
    {%- set talk = namespace(system='') -%}
    {{- bos_token -}}
    {%- for message in messages -%}
    {%- if message['role'] == 'system' -%}
    {%- set talk.system = message['content'] + '\\n\\n' -%}
    {%- elif message['role'] == 'user' -%}
    {{- '[INST] ' + talk.system + message['content'] + ' [/INST]' -}}
    {%- set talk.system = '' -%}
    {%- elif message['role'] == 'assistant' -%}
    {{- ' ' + message['content'] + eos_token -}}
    {%- endif -%}
    {%- endfor -%}
    """
}
