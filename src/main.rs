fn main() -> std::process::ExitCode {
    halobridge::cli::main()
}
