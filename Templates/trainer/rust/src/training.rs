// SPDX-License-Identifier: Apache-2.0
//! One training: what is trained, its steps and its checkpoints.

use crate::centram::*;
use crate::support::*;
use std::slice::{from_raw_parts, from_raw_parts_mut};

const fn setting(name: &'static str, default: f64, minimum: f64, maximum: f64, is_whole: bool) -> Setting {
    Setting { name, default, minimum, maximum, is_whole }
}

const SETTINGS: [Setting; 6] = [
    setting("steps", 100.0, 1.0, 1e6, true),
    setting("batch", 8.0, 1.0, 4096.0, true),
    setting("length", 128.0, 2.0, 65536.0, true),
    setting("learning_rate", 0.1, 0.0, 100.0, false),
    setting("rank", 8.0, 1.0, 256.0, true),
    setting("checkpoint_every", 0.0, 0.0, 1e6, true),
];

const MAGIC: u64 = 0x0031_2d44_4753_5352;

/// A tensor's values and gradient are the host's memory, lent until `train` returns.
struct Tensor<'a> {
    values: &'a mut [f32],
    gradient: &'a mut [f32],
}

pub struct Training<'a> {
    request: &'a TrainerRequest,
    steps: u64,
    batch: usize,
    length: usize,
    learning_rate: f64,
    checkpoint_every: u64,
    tensors: Vec<Tensor<'a>>,
    /// Steps done.
    step: u64,
    /// Of the last step.
    loss: f64,
}

impl<'a> Training<'a> {
    /// Makes the adapter and finds its tensors. The base model's weights stay as they are.
    pub unsafe fn new(request: &'a TrainerRequest) -> Result<Self, Failure> {
        let values = read_settings(&text(request.settings_json), &SETTINGS)?;
        let model = &*request.model;
        let configuration = c_text(&format!("{{\"r\":{},\"lora_alpha\":{}}}", values[4], 2.0 * values[4]));
        from_host((model.attach_adapter)(model.context, configuration.as_ptr(), request.seed))?;
        let mut tensors = Vec::new();
        for index in 0..(model.tensor_count)(model.context) {
            let (mut name, mut axes, mut shape) = (std::ptr::null(), 0, std::ptr::null());
            let (mut data, mut gradient) = (std::ptr::null_mut(), std::ptr::null_mut());
            from_host((model.tensor)(model.context, index, &mut name, &mut axes, &mut shape, &mut data))?;
            from_host((model.gradient)(model.context, index, &mut gradient))?;
            let count: usize = (0..axes as usize).map(|axis| *shape.add(axis) as usize).product();
            if count > 0 {
                tensors.push(Tensor { values: from_raw_parts_mut(data, count), gradient: from_raw_parts_mut(gradient, count) });
            }
        }
        Ok(Training {
            request,
            steps: values[0] as u64,
            batch: values[1] as usize,
            length: values[2] as usize,
            learning_rate: values[3],
            checkpoint_every: values[5] as u64,
            tensors,
            step: 0,
            loss: 0.0,
        })
    }

    pub unsafe fn run(&mut self) -> Result<(), Failure> {
        let request = self.request;
        let mut tokens = vec![0; self.batch * self.length];
        while self.step < self.steps {
            if (request.is_cancelled)(request.context) != 0 {
                self.checkpoint()?;
                return Err(Failure(ERROR_CANCELLED, format!("stopped after step {}", self.step)));
            }
            self.one_step(&mut tokens)?;
            if self.checkpoint_every > 0 && self.step % self.checkpoint_every == 0 {
                self.checkpoint()?;
            }
        }
        let metrics = c_text(&format!("{{\"loss\":{},\"steps\":{}}}", self.loss, self.steps));
        (request.result)(request.context, metrics.as_ptr(), c"".as_ptr()); // no privacy record: nothing private was promised
        Ok(())
    }

    unsafe fn one_step(&mut self, tokens: &mut [i32]) -> Result<(), Failure> {
        let (request, model) = (self.request, &*self.request.model);
        let (batch, length) = (self.batch as u64, self.length as u64);
        from_host((request.batch)(request.context, self.step, batch, length, tokens.as_mut_ptr()))?;
        for tensor in &mut self.tensors {
            tensor.gradient.fill(0.0);
        }
        from_host((model.accumulate)(model.context, tokens.as_ptr(), batch, length, 0.0, &mut self.loss, std::ptr::null_mut()))?;
        if !self.loss.is_finite() {
            let (step, rate) = (self.step + 1, self.learning_rate);
            return Err(invalid(format!("the loss of step {step} is not a number; a smaller learning_rate than {rate} may help")));
        }
        // The gradient is a sum over the tokens that count: all but each row's first, and none whose id is negative.
        let counted = tokens.iter().enumerate().filter(|(index, id)| index % self.length != 0 && **id >= 0).count();
        let rate = (self.learning_rate / counted.max(1) as f64) as f32;
        for tensor in &mut self.tensors {
            for (value, gradient) in tensor.values.iter_mut().zip(tensor.gradient.iter()) {
                *value -= rate * gradient;
            }
        }
        self.step += 1;
        let event = c_text(&format!("{{\"step\":{},\"steps\":{},\"loss\":{}}}", self.step, self.steps, self.loss));
        (request.event)(request.context, event.as_ptr());
        Ok(())
    }

    /// Five words, then all values, each little endian. Nothing else differs from step to step, since descent has no moments.
    unsafe fn checkpoint(&self) -> Result<(), Failure> {
        let mut state = Vec::new();
        for word in [MAGIC, self.request.seed, self.steps, self.step, self.loss.to_bits()] {
            state.extend(word.to_le_bytes());
        }
        for tensor in &self.tensors {
            state.extend(tensor.values.iter().flat_map(|value| value.to_le_bytes()));
        }
        from_host((self.request.checkpoint)(self.request.context, state.as_ptr(), state.len() as u64))
    }

    /// Puts back what a checkpoint holds, where the request has one.
    pub unsafe fn restore(&mut self) -> Result<(), Failure> {
        let resume = &self.request.resume_state;
        if resume.count == 0 {
            return Ok(());
        }
        let state = from_raw_parts(resume.data, resume.count as usize);
        let size = 40 + 4 * self.tensors.iter().map(|tensor| tensor.values.len()).sum::<usize>();
        if state.len() != size {
            return Err(invalid(format!("the checkpoint has {} bytes; one of this training has {size}", state.len())));
        }
        let word = |index: usize| u64::from_le_bytes(std::array::from_fn(|byte| state[8 * index + byte]));
        if word(0) != MAGIC || word(1) != self.request.seed || word(2) != self.steps || word(3) > self.steps {
            return Err(invalid("the checkpoint is of another training: another seed, number of steps or trainer"));
        }
        (self.step, self.loss) = (word(3), f64::from_bits(word(4)));
        let mut place = 40;
        for value in self.tensors.iter_mut().flat_map(|tensor| tensor.values.iter_mut()) {
            *value = f32::from_le_bytes(std::array::from_fn(|byte| state[place + byte]));
            place += 4;
        }
        Ok(())
    }
}
