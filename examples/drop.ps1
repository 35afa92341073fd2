# pwsh drop.ps1 '{"id":"P1","status":"Complete"}' [SECONDS]
# Drops a fragment and waits for its fate. Exit codes: 0 applied, 3 rejected (the reason is on stderr), 4 not known yet.
param([Parameter(Mandatory)][string]$Fragment, [int]$Seconds = 30)
$ErrorActionPreference = 'Stop'
$drop = if ($env:SESSIONSYNC_DROP) { $env:SESSIONSYNC_DROP } else { 'drop' }
$recovery = if ($env:SESSIONSYNC_RECOVERY) { $env:SESSIONSYNC_RECOVERY } else { 'recovery' }

function Get-LinkCount($path) {
    if ($IsLinux -or $IsMacOS) { (Get-Item -Force -LiteralPath $path).UnixStat.HardlinkCount }
    else { @(fsutil hardlink list $path).Count }
}

$drop = (Resolve-Path -LiteralPath $drop).Path # .NET has a working directory of its own
$name = "$([guid]::NewGuid()).json"
$hidden = Join-Path $drop ".$name"
[IO.File]::WriteAllText($hidden, $Fragment) # UTF-8, without a byte order mark
try {
    $null = New-Item -ItemType HardLink -Path (Join-Path $drop $name) -Target $hidden # whole at once, never over another file
    $end = [DateTime]::UtcNow.AddSeconds($Seconds)
    while ($true) {
        $alone = (Get-LinkCount $hidden) -eq 1 # first the link count,
        $entry = Get-ChildItem -Directory -Path $recovery -ErrorAction SilentlyContinue | # then the recovery folder
            Where-Object { -not $_.Name.StartsWith('.') -and (Test-Path -LiteralPath (Join-Path $_ 'fragments' $name)) }
        if ($entry) {
            $why = Get-Content -Raw -LiteralPath (Join-Path $entry[0] 'recovery.json') | ConvertFrom-Json
            if (-not $why.retryable) {
                [Console]::Error.WriteLine("$($why.error.code): $($why.error.message)")
                exit 3
            }
        } elseif ($alone) { exit 0 }
        if ([DateTime]::UtcNow -gt $end) {
            [Console]::Error.WriteLine("no fate yet; does 'sessionsync run' run?")
            exit 4
        }
        Start-Sleep -Milliseconds 50
    }
} finally { Remove-Item -Force -LiteralPath $hidden }
