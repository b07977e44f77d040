$env.MAMBA_EXE = "/opt/it's here/bin/whipsnake"
$env.MAMBA_ROOT_PREFIX = "/opt/my root"
if $env.CONDA_SHLVL? == null {
    $env.CONDA_SHLVL = "0"
    $env.PATH = ($env.PATH | prepend "/opt/my root/condabin" | uniq)
}
$env.__MAMBA_PROMPT = $env.PROMPT_COMMAND?
def --env "__whipsnake apply" [...words: string] {
    let said = (^"/opt/it's here/bin/whipsnake" shell ...$words --shell nu | from json)
    for variable in $said.unset { hide-env --ignore-errors $variable }
    load-env $said.export
    if ($env.PATH | describe) == "string" { $env.PATH = ($env.PATH | split row (char esep)) }
    $env.PROMPT_COMMAND = {||
        let own = $env.__MAMBA_PROMPT?
        let shown = (if ($own | describe) == "closure" { do $own } else { $own | default "" })
        $"($env.CONDA_PROMPT_MODIFIER? | default '')($shown)"
    }
}
def --env --wrapped "whipsnake" [...words: string] {
    if ($words.0? | default "") in [install update upgrade remove uninstall] and $env.CONDA_SHLVL? != "0" {
        ^"/opt/it's here/bin/whipsnake" ...$words
        __whipsnake apply reactivate
    } else {
        ^"/opt/it's here/bin/whipsnake" ...$words
    }
}
def --env "whipsnake activate" [environment: string = "base", --stack] {
    __whipsnake apply activate $environment ...(if $stack { ["--stack"] } else { [] })
}
def --env "whipsnake deactivate" [] { __whipsnake apply deactivate }
def --env "whipsnake reactivate" [] { __whipsnake apply reactivate }
