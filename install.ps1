<#
.SYNOPSIS
Builds this checkout and installs git-credential-github-app for this user of Windows.
.DESCRIPTION
Installs the program and its completions for PowerShell below a prefix. The build needs Rust (https://rustup.rs).
.PARAMETER Prefix
Installs below this directory.
.PARAMETER Binary
Installs this program instead of building one.
.PARAMETER Force
Replaces or removes also what is not as this script installed it.
.PARAMETER Uninstall
Removes what was installed.
.EXAMPLE
powershell -ExecutionPolicy Bypass -File install.ps1
#>
[CmdletBinding()]
param(
    [string]$Prefix = (Join-Path $env:LOCALAPPDATA 'Programs\git-credential-github-app'),
    [string]$Binary = '',
    [switch]$Force,
    [switch]$Uninstall
)

Set-StrictMode -Version Latest
$ErrorActionPreference = 'Stop'

$Name = 'git-credential-github-app'
$Program = Join-Path $Prefix "$Name.exe"
$Completions = Join-Path $Prefix "$Name.ps1"
$Manifest = Join-Path $Prefix 'manifest.json'

function Stop-With([string]$Message, [string]$Hint) {
    [Console]::Error.WriteLine("install.ps1: $Message")
    [Console]::Error.WriteLine("hint: $Hint")
    exit 1
}

# A file that was changed or replaced since is not ours.
function Test-Ours([string]$File) {
    if (-not (Test-Path -LiteralPath $Manifest -PathType Leaf)) { return $false }
    $known = (Get-Content -LiteralPath $Manifest -Raw | ConvertFrom-Json).PSObject.Properties |
        Where-Object { $_.Name -eq (Split-Path $File -Leaf) }
    return [bool]$known -and $known.Value -eq (Get-FileHash -LiteralPath $File).Hash
}

function Assert-Replaceable([string]$File) {
    if ((Test-Path -LiteralPath $File) -and -not $Force -and -not (Test-Ours $File)) {
        Stop-With "$File is not as this script installed it" '-Force replaces or removes it'
    }
}

# cargo's messages say where the program is, whatever target directory is configured.
function Build-Program {
    if (-not (Get-Command cargo -ErrorAction SilentlyContinue)) {
        Stop-With 'cannot build without cargo' 'install Rust (https://rustup.rs), or name a built program with -Binary'
    }
    Push-Location $PSScriptRoot
    try {
        $messages = & cargo build --release --locked --bin $Name --message-format json-render-diagnostics
        if ($LASTEXITCODE -ne 0) { Stop-With 'cargo build failed' 'see what cargo says above' }
    } finally {
        Pop-Location
    }
    $messages | ForEach-Object { $_ | ConvertFrom-Json } |
        Where-Object { $_.reason -eq 'compiler-artifact' -and $_.executable } |
        ForEach-Object { $_.executable } | Select-Object -Last 1
}

if ($Uninstall) {
    $Program, $Completions | ForEach-Object { Assert-Replaceable $_ }
    $Program, $Completions, $Manifest | Where-Object { Test-Path -LiteralPath $_ } |
        ForEach-Object { Remove-Item -LiteralPath $_; "removed $_" }
    if ((Test-Path -LiteralPath $Prefix) -and -not (Get-ChildItem -LiteralPath $Prefix -Force)) {
        Remove-Item -LiteralPath $Prefix
    }
    exit 0
}

$Program, $Completions | ForEach-Object { Assert-Replaceable $_ }
if (-not $Binary) { $Binary = Build-Program }
New-Item -ItemType Directory -Force -Path $Prefix | Out-Null
Copy-Item -LiteralPath $Binary -Destination $Program -Force
$script = & $Program completions powershell
if ($LASTEXITCODE -ne 0) { Stop-With "$Program does not run" 'is it a program for this kind of processor?' }
Set-Content -LiteralPath $Completions -Value $script -Encoding UTF8
$hashes = @{}
$Program, $Completions | ForEach-Object { $hashes[(Split-Path $_ -Leaf)] = (Get-FileHash -LiteralPath $_).Hash }
Set-Content -LiteralPath $Manifest -Value ($hashes | ConvertTo-Json) -Encoding UTF8
"installed $Program"
"for completions, add to your `$PROFILE: . `"$Completions`""
if (($env:Path -split ';') -notcontains $Prefix) {
    "$Prefix is not on your PATH: add it in the settings of Windows, or call the program by its path"
}
"next: & `"$Program`" setup"
