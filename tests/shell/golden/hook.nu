const __whipsnake_exe = ("/opt/it's here/bin" | path join "whipsnake")
$env.MAMBA_EXE = $__whipsnake_exe
$env.MAMBA_ROOT_PREFIX = "/opt/my root"
if $env.CONDA_SHLVL? == null {
    $env.CONDA_SHLVL = "0"
    $env.PATH = ($env.PATH | prepend "/opt/my root/condabin" | uniq)
}
def --env "__whipsnake apply" [...words: string] {
    let said = (^$__whipsnake_exe shell ...$words --shell nu | from json)
    for variable in $said.unset { hide-env --ignore-errors $variable }
    load-env $said.export
    if ($env.PATH | describe) == "string" { $env.PATH = ($env.PATH | split row (char esep)) }
    let prompt = $env.PROMPT_COMMAND?
    let is_code = ($prompt | describe) == "closure"
    if not ($is_code and (view source $prompt) =~ "CONDA_PROMPT_MODIFIER") {
        $env.PROMPT_COMMAND = {||
            let shown = (if $is_code { do $prompt } else { $prompt | default "" })
            $"($env.CONDA_PROMPT_MODIFIER? | default '')($shown)"
        }
    }
}
def --env --wrapped "whipsnake" [...words: string] {
    if ($words.0? | default "") in [install update upgrade remove uninstall] and $env.CONDA_SHLVL? != "0" {
        ^$__whipsnake_exe ...$words
        __whipsnake apply reactivate
    } else {
        ^$__whipsnake_exe ...$words
    }
}
def --env --wrapped "whipsnake activate" [...words: string] {
    if "-h" in $words or "--help" in $words { ^$__whipsnake_exe activate --help } else { __whipsnake apply activate ...$words }
}
def --env --wrapped "whipsnake deactivate" [...words: string] {
    if "-h" in $words or "--help" in $words { ^$__whipsnake_exe deactivate --help } else { __whipsnake apply deactivate ...$words }
}
def --env --wrapped "whipsnake reactivate" [...words: string] {
    if "-h" in $words or "--help" in $words { ^$__whipsnake_exe reactivate --help } else { __whipsnake apply reactivate ...$words }
}
