//! Hostile neighbours: another user of the machine cannot read, swap, pre-create or lock out what is ours, and a hostile
//! repository cannot lead the helper to another host or to other settings.

mod cache;
mod programs;
mod repository;
mod settings;
mod socket;
