//! The conversation function as PAM calls it.

use super::*;

#[derive(Default)]
struct Script {
    answers: Vec<&'static [u8]>,
    heard: Vec<String>,
}

impl Conversation for Script {
    fn ask(&mut self, echo: bool, text: &str) -> Option<Secret> {
        self.heard.push(format!("{}{text}", if echo { "?" } else { "*" }));
        (!self.answers.is_empty()).then(|| Secret::from(self.answers.remove(0).to_vec()))
    }

    fn tell(&mut self, tone: Tone, text: &str) -> Option<()> {
        self.heard.push(format!("{tone:?}:{text}"));
        Some(())
    }
}

/// Calls `converse` with messages (style, text); gives its code and the answers.
fn call(script: &mut Script, messages: &[(c_int, &CStr)]) -> (c_int, Vec<Option<CString>>) {
    let messages: Vec<ffi::pam_message> =
        messages.iter().map(|(style, text)| ffi::pam_message { msg_style: *style, msg: text.as_ptr() }).collect();
    let mut pointers: Vec<*const ffi::pam_message> = messages.iter().map(ptr::from_ref).collect();
    let mut answers = ptr::null_mut();
    // SAFETY: as PAM would call it.
    let code = unsafe {
        converse::<Script>(
            c_int::try_from(messages.len()).unwrap(),
            pointers.as_mut_ptr(),
            &raw mut answers,
            ptr::from_mut(script).cast(),
        )
    };
    if answers.is_null() {
        return (code, Vec::new());
    }
    let list = Answers { first: NonNull::new(answers).unwrap(), length: messages.len() };
    let given = (0..list.length)
        .map(|index| {
            // SAFETY: the array has as many elements as there were messages.
            let answer = unsafe { (*list.first.as_ptr().add(index)).resp };
            // SAFETY: a C string, or null.
            (!answer.is_null()).then(|| unsafe { CStr::from_ptr(answer) }.to_owned())
        })
        .collect();
    (code, given)
}

#[test]
fn one_call_may_carry_prompts_and_texts_of_every_style() {
    let mut script = Script { answers: vec![b"secret", b"123456"], heard: Vec::new() };
    let (code, answers) = call(
        &mut script,
        &[
            (ffi::PAM_TEXT_INFO, c"hello"),
            (ffi::PAM_PROMPT_ECHO_OFF, c"Password: "),
            (ffi::PAM_ERROR_MSG, c"careful"),
            (ffi::PAM_PROMPT_ECHO_ON, c"Code: "),
        ],
    );
    assert_eq!(code, ffi::PAM_SUCCESS);
    assert_eq!(script.heard, ["Info:hello", "*Password: ", "Error:careful", "?Code: "]);
    assert_eq!(answers, [None, Some(c"secret".to_owned()), None, Some(c"123456".to_owned())]);
}

#[test]
fn unknown_styles_end_the_conversation() {
    let mut script = Script { answers: vec![b"secret"], heard: Vec::new() };
    let messages = [(ffi::PAM_PROMPT_ECHO_OFF, c"Password: "), (ffi::PAM_BINARY_PROMPT, c"?")];
    assert_eq!(call(&mut script, &messages), (ffi::PAM_CONV_ERR, vec![]));
    assert_eq!(script.heard, ["*Password: "]);
}

#[test]
fn a_conversation_that_is_over_fails_the_call() {
    let mut script = Script::default();
    let messages = [(ffi::PAM_PROMPT_ECHO_OFF, c"Password: ")];
    assert_eq!(call(&mut script, &messages), (ffi::PAM_CONV_ERR, vec![]));
}

#[test]
fn answers_that_are_no_c_string_or_too_long_never_reach_pam() {
    const LONG: &[u8] = &[b'x'; ffi::PAM_MAX_RESP_SIZE as usize];
    for bad in [b"right\0wrong".as_slice(), LONG] {
        let mut script = Script { answers: vec![bad], heard: Vec::new() };
        let messages = [(ffi::PAM_PROMPT_ECHO_OFF, c"Password: ")];
        assert_eq!(call(&mut script, &messages), (ffi::PAM_CONV_ERR, vec![]));
    }
    let mut script = Script { answers: vec![&LONG[1..]], heard: Vec::new() };
    let (code, answers) = call(&mut script, &[(ffi::PAM_PROMPT_ECHO_OFF, c"Password: ")]);
    assert_eq!(code, ffi::PAM_SUCCESS);
    assert_eq!(answers.first().and_then(Option::as_ref).map(|a| a.count_bytes()), Some(LONG.len() - 1));
}

#[test]
fn a_call_without_messages_or_with_too_many_is_refused() {
    let mut script = Script::default();
    assert_eq!(call(&mut script, &[]).0, ffi::PAM_CONV_ERR);
    let many = vec![(ffi::PAM_TEXT_INFO, c"x"); 33];
    assert_eq!(call(&mut script, &many).0, ffi::PAM_CONV_ERR);
    assert!(script.heard.is_empty());
}
